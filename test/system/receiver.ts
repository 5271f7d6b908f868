import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Webhook } from 'standardwebhooks';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A user's server: keeps what it receives, and answers as a test says. */
export interface Receiver {
  server: Server;
  url: string;
  received: Received[];
  answer: (received: Received, response: ServerResponse) => void;
  close(): void;
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const received = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      receiver.received.push(received);
      receiver.answer(received, response);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: Receiver = {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/asked`,
    received: [],
    answer: sayOnly(500),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return receiver;
}

/** Answers with a status and nothing more. */
export function sayOnly(status: number): Receiver['answer'] {
  return (_received, response) => void response.writeHead(status).end();
}

/** Answers with a JSON body. */
export function replyWith(body: unknown, status = 200): Receiver['answer'] {
  return (_received, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** What was received, where its signature is that of a secret; throws else. */
export function verified({ headers, body }: Received, secret: string): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}
