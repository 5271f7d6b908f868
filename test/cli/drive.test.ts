import type { ServerResponse } from 'node:http';

import { afterEach, expect, test } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
import { drive } from '../../services/cli/src/run/drive.ts';
import type { DrivenRow, Outcome } from '../../services/cli/src/run/drive.ts';
import { newProgress } from '../../services/cli/src/up/progress.ts';
import { exampleJob, problem, sendJson, sendLines, startJobServer } from './job-server.ts';
import type { JobServer, Seen } from './job-server.ts';

type Answer = (seen: Seen, response: ServerResponse) => void;

let server: JobServer;
afterEach(() => server.close());

/** Accepts all and has all ended at once, but for what the first answers say. */
async function driveRows(count: number, first: { bulk?: Answer[]; get?: Answer[] }) {
  const { bulk = [], get = [] } = first;
  server = await startJobServer((seen, response) => {
    if (seen.method === 'POST') return (bulk.shift() ?? acceptAll)(seen, response);
    return (get.shift() ?? showEnded)(seen, response);
  });
  const said: string[] = [];
  const outcomes: Outcome<DrivenRow>[] = [];
  const options = { progress: newProgress(count), show: () => undefined, say: (message: string) => said.push(message) };
  for await (const outcome of drive(apiAt(server.url), rowsOf(count), options)) outcomes.push(outcome);
  return { outcomes, said };
}

async function* rowsOf(count: number): AsyncGenerator<DrivenRow> {
  for (let row = 1; row <= count; row += 1) yield { key: `run/${row}`, job: { input: { prompt: `${row}` } }, error: null };
}

const acceptAll: Answer = ({ body }, response) => sendLines(response, keysOf(body).map(acceptedUnder));
const showEnded: Answer = ({ path }, response) => sendJson(response, 200, exampleJob(path.replace('/v1/jobs/', '')));

const acceptOrShow: Answer = (seen, response) => (seen.method === 'POST' ? acceptAll : showEnded)(seen, response);

function keysOf(body: string): string[] {
  return body.split('\n').map((line) => (JSON.parse(line) as { idempotency_key: string }).idempotency_key);
}

function acceptedUnder(key: string): object {
  return { id: `job_${key.replace('run/', '')}`, created: true };
}

function refuseWith(status: number, headers: Record<string, string> = {}): Answer {
  return (_seen, response) => void response.writeHead(status, headers).end('Not now.');
}

test('an API that is asked too often is waited for, as long as it says', async () => {
  const now = { 'Retry-After': '0' };
  const { outcomes, said } = await driveRows(2, {
    bulk: [refuseWith(429, now), refuseWith(408, now)],
    get: [refuseWith(429, now)],
  });
  expect(outcomes).toHaveLength(2);
  expect(outcomes.map(({ job, error }) => [job?.status, error])).toEqual(outcomes.map(() => ['completed', null]));
  expect(said).toEqual(Array(2).fill(expect.stringContaining('answered 429: Not now.')));
});

test('a row that names its own key is accepted under that', async () => {
  server = await startJobServer(acceptOrShow);
  async function* rows(): AsyncGenerator<DrivenRow> {
    yield { key: 'run/1', job: { input: { prompt: '1' }, idempotency_key: 'mine' }, error: null };
    yield { key: 'run/2', job: { input: { prompt: '2' } }, error: null };
  }
  const options = { progress: newProgress(2), show: () => undefined, say: () => undefined };
  for await (const { error } of drive(apiAt(server.url), rows(), options)) expect(error).toBeNull();
  expect(keysOf(server.seen[0]!.body)).toEqual(['mine', 'run/2']);
});

test('a job that is no longer kept is the end of its row alone, which keeps its id', async () => {
  const gone: Answer = (seen, response) =>
    seen.path.endsWith('job_1') ? sendJson(response, 404, problem('not_found', 404)) : showEnded(seen, response);
  const { outcomes } = await driveRows(2, { get: [gone, gone] });
  expect(outcomes.map(({ id, job, error }) => [id, job?.status, error])).toEqual([
    ['job_1', undefined, expect.stringContaining('It is not_found')],
    ['job_2', 'completed', null],
  ]);
});

test('another refusal is of the way to the API, and no row’s result', async () => {
  for (const status of [401, 404]) {
    await expect(driveRows(1, { get: [refuseWith(status)] })).rejects.toThrow(`answered ${status}: Not now.`);
    server.close();
  }
});

test('a row on which the API fails is sent again, and has its error where that does not help', async () => {
  const failing =
    (keys: string[]): Answer =>
    ({ body }, response) =>
      sendLines(
        response,
        keysOf(body).map((key) => (keys.includes(key) ? { error: problem('internal_error', 500) } : acceptedUnder(key))),
      );
  const { outcomes } = await driveRows(3, {
    bulk: [failing(['run/1', 'run/2']), ...Array<Answer>(10).fill(failing(['run/2']))],
  });
  expect(outcomes.map(({ job, error }) => job?.id ?? error)).toEqual(['job_1', 'internal_error: the log has it', 'job_3']);
});

test('an API that goes away while it answers is asked again', async () => {
  const breakOff: Answer = (_seen, response) => {
    response.writeHead(200, { 'Content-Length': 1000, 'Content-Type': 'application/json' });
    response.write('{"id": "job', () => response.destroy());
  };
  const refuseHalf: Answer = (_seen, response) => {
    response.writeHead(503, { 'Content-Length': 1000 });
    response.write('{"title', () => response.destroy());
  };
  const { outcomes, said } = await driveRows(1, { bulk: [breakOff], get: [breakOff, refuseHalf] });
  expect(outcomes.map(({ job }) => job?.status)).toEqual(['completed']);
  expect(said).toEqual(Array(2).fill(expect.stringMatching(/^Nothing answers at .*UND_ERR_SOCKET/)));
});
