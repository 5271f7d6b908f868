import { afterEach, expect, test } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
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
