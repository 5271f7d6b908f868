import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';

import type { Redis } from 'ioredis';

import { body } from './prompts.ts';

/** Sends rows as one NDJSON request, as fast as they are taken, and resolves when all are answered. Throws where one is refused. */
export async function sendRows(url: string, count: number): Promise<void> {
  const outgoing = request(`${url}/v1/jobs`, { method: 'POST', headers: { 'Content-Type': 'application/x-ndjson' } });
  const answering = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  const sending = pipeline(Readable.from(chunksOf(count)), outgoing);
  const [response] = await answering;
  let answered = 0;
  let refused = '';
  for await (const chunk of response.setEncoding('latin1') as AsyncIterable<string>) {
    answered += chunk.split('\n').length - 1;
    if (refused === '' && chunk.includes('"error"')) refused = chunk.slice(0, 500);
  }
  if (refused !== '' || answered !== count) throw new Error(`${answered} of ${count} rows answered. ${refused}`);
  await sending;
}

const LINES_PER_CHUNK = 50;

function* chunksOf(count: number): Generator<string> {
  for (let from = 0; from < count; from += LINES_PER_CHUNK) {
    const size = Math.min(LINES_PER_CHUNK, count - from);
    yield Array.from({ length: size }, (_, index) => `${JSON.stringify(body(from + index))}\n`).join('');
  }
}

/** How many connections the load of single requests comes over. */
const CONNECTIONS = 32;

/** Posts `count` bodies over keep-alive connections; resolves with the seconds it took. Throws at the first answer that is no 2xx. */
export async function postAll(
  url: string,
  count: number,
  bodyOf: (index: number) => object,
  headers: Record<string, string> = {},
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = 0;
  const startedAt = performance.now();
  const one = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await post(agent, url, JSON.stringify(bodyOf(index)), headers);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  agent.destroy();
  return (performance.now() - startedAt) / 1000;
}

/** node:http, because global fetch costs more than what is measured. */
export function post(agent: Agent, url: string, text: string, headers: Record<string, string>): Promise<string> {
  const sent = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: 'POST', headers: sent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8');
        if ((response.statusCode ?? 500) < 300) resolve(answer);
        else reject(new Error(`${url}: ${response.statusCode} ${answer.slice(0, 300)}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

const POLL_MS = 5;

/** How many jobs are unfinished, all of which are of the default route. */
export async function unfinished(redis: Redis): Promise<number> {
  const [queued, inProgress] = await Promise.all([
    redis.zcard('{upshift-0}:index:queued:default'),
    redis.zcard('{upshift-0}:index:in_progress:default'),
  ]);
  return queued + inProgress;
}

/** Until no job is unfinished. */
export function untilDrained(redis: Redis): Promise<void> {
  return untilNone('unfinished jobs', () => unfinished(redis));
}

/** Until no ended job is kept. */
export function untilForgotten(redis: Redis): Promise<void> {
  return untilNone('ended jobs', () => redis.zcard('{upshift-0}:expiries'));
}

/** Throws where nothing has changed for a minute. */
async function untilNone(what: string, count: () => Promise<number>): Promise<void> {
  let last = Infinity;
  let changedAt = performance.now();
  for (let left = await count(); left > 0; left = await count()) {
    if (left !== last) [last, changedAt] = [left, performance.now()];
    if (performance.now() - changedAt > 60_000) throw new Error(`${left} ${what} stay`);
    await pause(POLL_MS);
  }
}
