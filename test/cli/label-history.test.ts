import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';

import { afterEach, expect, test } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
import { labelsFromHistory } from '../../services/cli/src/calibrate/read-labels.ts';
import { exampleLabels } from '../scorer/example-labels.ts';
import { exampleJob, sendJson, sendLines, startJobServer } from './job-server.ts';
import type { JobServer } from './job-server.ts';

const main = fileURLToPath(new URL('../../services/cli/src/main.ts', import.meta.url));
const config = fileURLToPath(new URL('../../upshift.config.yaml', import.meta.url));

interface Answered {
  tier: string;
  /** Null where the call gave none. */
  text: string | null;
  purpose?: 'answer' | 'hedge';
  lateVerdict?: boolean;
}

/** What the API shows of a job, as far as labels are made of it. */
function recording(job: string, prompt: string, attempts: Answered[]): object {
  return {
    job,
    request: { input: { messages: [{ role: 'user', content: prompt }], tools: [] } },
    attempts: attempts.map(({ tier, text: answer, purpose = 'answer', lateVerdict = null }) => ({
      tier,
      purpose,
      answer: answer === null ? null : { text: answer, tool_calls: [], finish_reason: 'stop' },
      late_verdict: lateVerdict,
    })),
  };
}

/** A job as it was audited: the delivered answer was no worse or not, and the top tier's counts as good. */
const auditOf = (job: string, passed: boolean): object[] => [
  { job, tier: 'economy', passed, source: 'audit' },
  { job, tier: 'premium', passed: true, source: 'audit', answer_of: `${job}-again` },
];

let server: JobServer;
afterEach(() => server.close());

/** An API that has these labels and recordings, and lists these jobs. */
async function startHistory(labels: object[], recordings: Record<string, object>, listed: string[] = []): Promise<void> {
  server = await startJobServer(({ path }, response) => {
    if (path === '/v1/labels') return sendLines(response, labels);
    const found = recordings[/^\/v1\/jobs\/(.+)\/recording$/.exec(path)?.[1] ?? ''];
    if (found) return sendJson(response, 200, found);
    return sendJson(response, 200, { data: listed.map((id) => exampleJob(id)), has_more: false });
  });
}

const both = { thresholds: true };

test('the answer that an audit was about is the one that came, beside a hedge that was called off', async () => {
  await startHistory(auditOf('job_1', true), {
    job_1: recording('job_1', 'Why?', [
      { tier: 'economy', text: 'Because.' },
      { tier: 'economy', text: null, purpose: 'hedge' },
    ]),
    'job_1-again': recording('job_1-again', 'Why?', [{ tier: 'premium', text: 'Therefore.' }]),
  });
  const labels = await labelsFromHistory(apiAt(server.url), both);
  expect(labels.map(({ tier, answer }) => [tier, answer])).toEqual([
    ['economy', 'Because.'],
    ['premium', 'Therefore.'],
  ]);
});

test('answers that only count as good are labels for thresholds, and teach the scorer nothing', async () => {
  await startHistory(auditOf('job_1', false), {
    job_1: recording('job_1', 'Why?', [{ tier: 'economy', text: 'Because.' }]),
    'job_1-again': recording('job_1-again', 'Why?', [{ tier: 'premium', text: 'Therefore.' }]),
  });
  const tiers = async (of: { thresholds: boolean }): Promise<string[]> =>
    (await labelsFromHistory(apiAt(server.url), of)).map(({ tier }) => tier);
  expect(await tiers({ thresholds: false })).toEqual(['economy']);
  expect(await tiers(both)).toEqual(['economy', 'premium']);
});

test('a verdict on an answer of the fallback chain, which is no tier, stands in no way of thresholds', async () => {
  const questions = Map.groupBy(exampleLabels(150, ['economy', '', 'premium']), ({ question_id: id }) => String(id));
  const audits = [...questions].flatMap(([id, [cheap]]) => auditOf(id, Boolean(cheap!.ok)));
  const recordings = [...questions].flatMap(([id, [cheap, , dear]]) => [
    [id, recording(id, cheap!.prompt, [{ tier: 'economy', text: cheap!.answer }])],
    [`${id}-again`, recording(`${id}-again`, cheap!.prompt, [{ tier: 'premium', text: dear!.answer }])],
  ]);
  const last = recording('job_last', 'Why?', [{ tier: 'fallback', text: 'Because.', lateVerdict: true }]);
  await startHistory(audits, { ...Object.fromEntries(recordings), job_last: last }, ['job_last']);
  const args = ['--url', server.url, 'calibrate', '--from-history', '--target', '0.9', '--config', config, '--json'];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(JSON.parse(out)).toMatchObject({ tiers: ['economy', 'premium'], questions: 150, labels: 150 });
});
