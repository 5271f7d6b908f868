import type { IncomingMessage } from 'node:http';
import { Failure } from './failure.ts';

const LARGEST_BODY_BYTES = 20 * 1024 * 1024;

/** The whole body as text. More than 20 MB are read but not kept, and end in a 413. */
export function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BODY_BYTES) chunks.push(chunk);
    });
    request.on('end', () => {
      if (size > LARGEST_BODY_BYTES) reject(new Failure(413, `Request exceeds the maximum size of ${LARGEST_BODY_BYTES} bytes.`));
      else resolve(Buffer.concat(chunks).toString('utf8'));
    });
    request.on('error', reject);
  });
}
