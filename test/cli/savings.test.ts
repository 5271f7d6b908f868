import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

import { exampleConfig } from '../routing/example.ts';
import { savingsOf } from '@upshift/routing';
import { afterEach, expect, test } from 'vitest';

import { sendJson, startJobServer } from './job-server.ts';
import type { JobServer } from './job-server.ts';

const main = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));

let server: JobServer;
afterEach(() => server.close());

/** The lines that `upshift savings` prints below its table, of the default route's counters. */
async function linesBelow(counters: Record<string, number> | null): Promise<string[]> {
  const days = { from: '2026-11-23', to: '2026-11-24' };
  const view = savingsOf(counters === null ? {} : { default: counters }, exampleConfig(), days);
  server = await startJobServer((_seen, response) => sendJson(response, 200, view));
  const child = spawn(process.execPath, [main, '--url', server.url, 'savings'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return out.trim().split('\n\n').at(-1)!.split('\n');
}

test('days without jobs are told as such', async () => {
  expect(await linesBelow(null)).toEqual(['No job has ended in these days.']);
});

test('a model that was not counted is told apart from one that passes too rarely', async () => {
  expect(await linesBelow({ jobs: 1, good: 1, cost: 5, 'alone:openai/low': 5 })).toEqual([
    'all economy: openai/low',
    'best single: no model is known to pass as often',
    'all premium: not counted of these jobs',
  ]);
});
