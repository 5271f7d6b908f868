import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedCall {
  path: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

export type Handler = (call: ReceivedCall, response: ServerResponse) => void | Promise<void>;

export interface FakeServer {
  url: string;
  /** Every call, as it came over the wire. */
  calls: ReceivedCall[];
  close: () => Promise<void>;
}

/** An HTTP server that keeps what it receives and answers as told. */
export async function startFakeServer(handle: Handler): Promise<FakeServer> {
  const calls: ReceivedCall[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on('error', () => undefined);
    const call = {
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(await textOf(request)) as Record<string, unknown>,
    };
    calls.push(call);
    await handle(call, response);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls, close };
}

/** Passes calls on to a server, so that what the server received can be read afterwards. */
export function forwardTo(url: string): Handler {
  return async (call, response) => {
    const left = new AbortController();
    response.on('close', () => left.abort());
    const { 'content-length': _, host: __, connection: ___, ...headers } = call.headers;
    try {
      const answer = await fetch(`${url}${call.path}`, {
        method: 'POST',
        headers: headers as Record<string, string>,
        body: JSON.stringify(call.body),
        signal: left.signal,
      });
      response.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([name]) => name !== 'content-length')));
      for await (const chunk of answer.body ?? []) response.write(chunk);
      response.end();
    } catch {
      response.destroy();
    }
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
