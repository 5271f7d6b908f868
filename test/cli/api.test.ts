import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { afterEach, expect, test } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
import type { Api } from '../../services/cli/src/api.ts';
import { showExperiment } from '../../services/cli/src/commands/experiments.ts';
import { cancel, get, trail, watch } from '../../services/cli/src/commands/jobs.ts';
import { dropQuarantined, retryQuarantined } from '../../services/cli/src/commands/quarantine.ts';
import { deleteWebhook } from '../../services/cli/src/commands/webhooks.ts';
import { sendJson, startJobServer } from './job-server.ts';
import type { JobServer } from './job-server.ts';

let server: JobServer | undefined;
afterEach(() => server?.close());

test('an API below a path is asked there', async () => {
  server = await startJobServer((_seen, response) => sendJson(response, 200, {}));
  for (const end of ['', '/']) await apiAt(`${server.url}/upshift${end}`).get('/v1/queues?a=b');
  await apiAt(server.url).get('/v1/queues');
  expect(server.seen.map(({ path }) => path)).toEqual(['/upshift/v1/queues?a=b', '/upshift/v1/queues?a=b', '/v1/queues']);
});

test('an address with a password is refused, and no error says it again', () => {
  for (const url of ['http://ada:secret@host:7700', 'http://:secret@host', 'ada:secret@host:7700', 'ada:sec@ret@host']) {
    const asking = (): unknown => apiAt(url);
    expect(asking).toThrow(/^--url, or UPSHIFT_URL, .* as http:\/\/127\.0\.0\.1:7700$/);
    expect(asking).not.toThrow(/sec/);
  }
});

test('a redirect is not followed, which would make a list of jobs of a submission', async () => {
  const onward = 'https://jobs.example.com/v1/jobs';
  server = await startJobServer((_seen, response) => void response.writeHead(301, { Location: onward }).end());
  const api = apiAt(server.url);
  for (const ask of [() => api.post('/v1/jobs', {}), () => api.bulk(['{}']), () => api.delete('/v1/webhooks/orders')])
    await expect(ask()).rejects.toThrow(`sends on to ${onward}; name that address with --url`);
  expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'POST', 'DELETE']);
});

test('a page that is no answer of the API is said to be none', async () => {
  server = await startJobServer((_seen, response) => void response.end('<html>Sign in'));
  const api = apiAt(server.url);
  for (const asking of [api.get('/v1/queues'), api.post('/v1/jobs/job_1/cancel'), api.bulk(['{}'])])
    await expect(asking).rejects.toThrow(`What answers at ${server.url} is no job API; it said: <html>Sign in`);
});

const commandsOfOne: [string, (api: Api, name: string) => Promise<number>][] = [
  ['/v1/jobs/NAME', (api, id) => get(api, id, true)],
  ['/v1/jobs/NAME', (api, id) => cancel(api, id, true)],
  ['/v1/jobs/NAME/trail', (api, id) => trail(api, id, true)],
  ['/v1/jobs/NAME/events', (api, id) => watch(api, id, true)],
  ['/v1/jobs/NAME/retry', (api, id) => retryQuarantined(api, id, true)],
  ['/v1/quarantine/NAME', dropQuarantined],
  ['/v1/webhooks/NAME', deleteWebhook],
  ['/v1/experiments/NAME', (api, name) => showExperiment(api, name, true)],
];

test.each(commandsOfOne)('an id or name is one part of %s, and dots that lead elsewhere are refused', async (path, command) => {
  server = await startJobServer((_seen, response) => sendJson(response, 404, {}));
  for (const dots of ['.', '..'])
    await expect(command(apiAt(server.url), dots)).rejects.toThrow(/^"\.+" is no id or name in [a-z]+$/);
  await expect(command(apiAt(server.url), '../a?b')).rejects.toThrow('404');
  expect(server.seen.map((seen) => seen.path)).toEqual([path.replace('NAME', '..%2Fa%3Fb')]);
});

const main = join(import.meta.dirname, '../../services/cli/src/main.ts');
const env = { ...process.env, UPSHIFT_URL: '', UPSHIFT_CONFIG: '' };

/** With an environment whose variables are empty. */
function help(...words: string[]): string {
  return execFileSync(process.execPath, [main, ...words, '--help'], { env, encoding: 'utf8' });
}

test('an empty variable counts as unset', () => {
  expect(help()).toMatch(/UPSHIFT_URL\) \(default:\s+"http:\/\/127\.0\.0\.1:7700"\)/);
  expect(help('train')).toMatch(/fitted \(default:\s+"upshift\.config\.yaml"\)/);
});

test('the help of a command has what it needs, and where the API and the sandbox are', () => {
  expect(help('audit')).toMatch(/--budget-usd <usd> .*\(needed\)[^]*--url <url>/);
  expect(help('sandbox', 'fault')).toContain('--sandbox <url>');
});
