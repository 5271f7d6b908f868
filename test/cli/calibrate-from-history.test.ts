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
  text: string;
  lateVerdict?: boolean;
}

/** What the API shows of a job, as far as labels are made of it. */
function recording(job: string, prompt: string, attempts: Answered[]): object {
  return {
    job,
    request: { input: { messages: [{ role: 'user', content: prompt }], tools: [] } },
    attempts: attempts.map(({ tier, text: answer, lateVerdict = null }) => ({
      tier,
      purpose: 'answer',
      answer: { text: answer, tool_calls: [], finish_reason: 'stop' },
      late_verdict: lateVerdict,
    })),
  };
}

/** A job as it was audited: the delivered answer was no worse or not, and the top tier's counts as good. */
const auditOf = (job: string, passed: boolean, tier = 'economy'): object[] => [
  { job, tier, passed, source: 'audit' },
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

test('answers that only count as good are labels for thresholds, and teach the scorer nothing', async () => {
  await startHistory(auditOf('job_1', false), {
    job_1: recording('job_1', 'Why?', [{ tier: 'economy', text: 'Because.' }]),
    'job_1-again': recording('job_1-again', 'Why?', [{ tier: 'premium', text: 'Therefore.' }]),
  });
  const tiers = async (of: { thresholds: boolean }): Promise<string[]> =>
    (await labelsFromHistory(apiAt(server.url), of)).map(({ tier }) => tier);
  expect(await tiers({ thresholds: false })).toEqual(['economy']);
  expect(await tiers({ thresholds: true })).toEqual(['economy', 'premium']);
});

/** `calibrate --from-history --target 0.9`, with these audits of jobs that a cheap tier has answered. */
async function calibrated(
  ...audited: [tier: string, questions: number][]
): Promise<{ code: unknown; out: string; errors: string }> {
  const questions = audited.flatMap(([tier, count]) => {
    const labels = exampleLabels(count, [tier, '', 'premium']);
    return labels
      .filter((label) => label.tier === tier)
      .map((cheap, at) => ({ job: `${tier}-${at}`, cheap, dear: labels[3 * at + 2]! }));
  });
  const recordings = questions.flatMap(({ job, cheap: { prompt, tier, answer }, dear }): [string, object][] => [
    [job, recording(job, prompt, [{ tier, text: answer }])],
    [`${job}-again`, recording(`${job}-again`, prompt, [{ tier: 'premium', text: dear.answer }])],
  ]);
  const ofNoTier = ['fallback', 'gone'].map((tier) => ({ tier, text: 'Because.', lateVerdict: true }));
  const last = recording('job_last', 'Why?', ofNoTier);
  await startHistory(
    questions.flatMap(({ job, cheap: { tier, ok } }) => auditOf(job, Boolean(ok), tier)),
    { ...Object.fromEntries(recordings), job_last: last },
    ['job_last'],
  );
  const args = ['--url', server.url, 'calibrate', '--from-history', '--target', '0.9', '--config', config, '--json'];
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, out, errors };
}

test('verdicts on answers of the fallback chain, or of a tier that is gone, teach the scorer and stand in no way of thresholds', async () => {
  const { code, out, errors } = await calibrated(['economy', 150]);
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(JSON.parse(out)).toMatchObject({ tiers: ['economy', 'premium'], questions: 150, labels: 152 });
});

test('where audits are of several tiers, thresholds are set for the one of which there are most', async () => {
  const { code, out } = await calibrated(['standard', 30], ['economy', 150]);
  expect(JSON.parse(out)).toMatchObject({ tiers: ['economy', 'premium'], questions: 150, labels: 182 });
  expect(code).toBe(0);
});
