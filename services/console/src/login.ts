import { createHash, timingSafeEqual } from 'node:crypto';

import type { RequestHandler } from 'express';

const USER_NAME = 'upshift';

/** HTTP basic authentication, compared in constant time: hashing makes both sides equally long. */
export function requireLogin(password: string): RequestHandler {
  const expected = hash(`${USER_NAME}:${password}`);
  return (request, response, next) => {
    const given = /^Basic (.+)$/i.exec(request.get('Authorization') ?? '')?.[1] ?? '';
    if (timingSafeEqual(hash(Buffer.from(given, 'base64').toString('utf8')), expected)) return next();
    response
      .set('WWW-Authenticate', 'Basic realm="Upshift", charset="UTF-8"')
      .status(401)
      .type('text')
      .send('A login is needed: user name upshift.\n');
  };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
