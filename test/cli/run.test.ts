import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test, vi } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
import { run } from '../../services/cli/src/run/run.ts';
import { exampleJob, sendJson, sendLines, startJobServer } from './job-server.ts';

test('what a run came to says which answers are refusals, and how many costs are not known', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-run-'));
  const refusing = exampleJob('job_1', { cost_unknown: true });
  refusing.result!.refusal = true;
  const server = await startJobServer(({ method, path }, response) => {
    if (method === 'POST') return sendLines(response, [{ id: 'job_1' }, { id: 'job_2' }]);
    return sendJson(response, 200, path.endsWith('job_1') ? refusing : exampleJob('job_2'));
  });
  onTestFinished(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });
  const [input, out] = [join(directory, 'in.jsonl'), join(directory, 'out.jsonl')];
  await writeFile(input, '"one"\n"two"\n');
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => written.mockRestore());
  for (const json of [false, true]) await run(apiAt(server.url), input, { out, force: true, json });
  expect(written.mock.calls[0]?.[0]).toBe(`2 completed, 0 failed, 0 refused, 0.002000 USD and 1 job of unknown cost: ${out}\n`);
  expect(JSON.parse(written.mock.calls[1]?.[0] as string)).toMatchObject({ cost_usd: 0.002, cost_unknown: 1 });
  const results = (await readFile(out, 'utf8')).trim().split('\n');
  expect(results.map((line) => (JSON.parse(line) as { refusal: boolean }).refusal)).toEqual([true, false]);
});
