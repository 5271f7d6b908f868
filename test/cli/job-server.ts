import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import type { JobView } from '@upshift/contracts';

/** A request as the server saw it. */
export interface Seen {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** An HTTP server in the place of the job API, which answers as the test says. */
export interface JobServer {
  url: string;
  seen: Seen[];
  close(): void;
}

export async function startJobServer(answer: (seen: Seen, response: ServerResponse) => void): Promise<JobServer> {
  const seen: Seen[] = [];
  const read = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request;
    const one = { method, path, headers, body: await text(request) };
    seen.push(one);
    answer(one, response);
  };
  const server = createServer((request, response) => void read(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => (server.close(), server.closeAllConnections()),
  };
}

export function sendJson(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** What a bulk request is answered with, a line each. */
export function sendLines(response: ServerResponse, lines: object[]): void {
  response.writeHead(200).end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

export function problem(code: string, status: number): object {
  return { type: `urn:upshift:problem:${code}`, title: `It is ${code}`, status, detail: 'the log has it', code, errors: [] };
}

/** A job that has ended, as the API shows it. */
export function exampleJob(id: string, changes: Partial<JobView> = {}): JobView {
  return {
    id,
    object: 'job',
    revision: 1,
    status: 'completed',
    route: 'default',
    task: null,
    created_at: '2026-11-23T12:00:00.000Z',
    completed_at: '2026-11-23T12:00:01.000Z',
    result: {
      text: 'Paris.',
      tool_calls: [],
      json: null,
      vectors: null,
      model: 'openai/low',
      provider: 'openai',
      tier: 'economy',
      finish_reason: 'stop',
      score: null,
      degraded: false,
      refusal: false,
    },
    reasons: [],
    usage: { input_tokens: 1, output_tokens: 1 },
    cost_usd: 0.001,
    cost_unknown: false,
    attempts: 1,
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    timings_ms: { queued: 0, model: 1, total: 1 },
    metadata: {},
    ...changes,
  };
}
