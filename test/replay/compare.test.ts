import type { JobRecording, JobState, JobView } from '@upshift/contracts';
import { recordingOf } from '@upshift/routing';
import { expect, test } from 'vitest';

import { compare } from '../../services/cli/src/replay/compare.ts';
import type { RecordedPlay } from '../../services/cli/src/replay/compare.ts';
import type { Played } from '../../services/cli/src/replay/engine.ts';
import { linesOf } from '../../services/cli/src/replay/print-report.ts';
import { acceptedJob, exampleConfig, question } from '../routing/example.ts';
import { exampleAttempt, exampleRecording, HIGH, LOW } from './example-recording.ts';

const tiers = ['economy', 'premium'];

function playOf(recording: JobRecording): RecordedPlay {
  return { key: recording.job, request: {}, seed: null, calls: [], recording };
}

function played(recording: JobRecording, changes: Partial<JobView> = {}, unanswered: string[] = []): Played<RecordedPlay> {
  const result = { text: 'blue', tool_calls: [], model: LOW, tier: 'economy', score: 1, degraded: false, refusal: false };
  const counts = { escalations: 0, failovers: 0, fallbacks: 0 };
  const job = { status: 'completed', result, cost_usd: 0.25, cost_unknown: false, ...counts, ...changes } as unknown as JobView;
  return { play: playOf(recording), job, trail: [], unanswered };
}

test('what ended as before has changed nothing', () => {
  const { compared, moves } = compare([played(exampleRecording('job_1'))], tiers);
  expect(compared).toMatchObject({ jobs: 1, cost_usd: { before: 0.25, after: 0.25 }, moved: 0, answers_differ: 0 });
  expect(compared.share.accepted).toEqual({ before: 1, after: 1 });
  expect(moves).toEqual([]);
});

test('a job that another tier answers has moved, with its cost, its score and its answer', () => {
  const before = exampleRecording('job_1', {
    attempts: [
      exampleAttempt({
        tier: 'premium',
        model: HIGH,
        score: 0.5,
        answer: { text: 'azure', tool_calls: [], finish_reason: 'stop' },
      }),
    ],
    cost_usd: 2,
    escalations: 1,
    degraded: true,
  });
  const { compared, moves } = compare([played(before)], tiers);
  expect(compared).toMatchObject({ moved: 1, answers_differ: 1, status_changed: 0 });
  expect(compared.cost_usd).toEqual({ before: 2, after: 0.25 });
  expect(compared.mean_score).toEqual({ before: 0.5, after: 1 });
  expect(compared.escalations).toEqual({ before: 1, after: 0 });
  expect(compared.share).toMatchObject({ accepted: { before: 0, after: 1 }, degraded: { before: 1, after: 0 } });
  expect(Object.entries(compared.tiers)).toEqual([
    ['economy', { before: 0, after: 1 }],
    ['premium', { before: 1, after: 0 }],
  ]);
  expect(moves).toEqual([{ from: `premium ${HIGH}`, to: `economy ${LOW}`, jobs: 1 }]);
});

test('what is not known on both sides is counted by its reason and is in no sum', () => {
  const refused = { play: playOf(exampleRecording('job_5')), refusal: { code: 'unknown_route' } } as Played<RecordedPlay>;
  const report = compare(
    [
      played(exampleRecording('job_1'), {}, [HIGH]),
      played(exampleRecording('job_2', { status: 'expired' })),
      played(exampleRecording('job_3', { cost_unknown: true })),
      played(exampleRecording('job_4'), { cost_unknown: true }),
      refused,
      played(exampleRecording('job_6', { redactions: 2 })),
      played(
        exampleRecording('job_7', {
          attempts: [
            exampleAttempt({ late_verdict: false }),
            exampleAttempt({ attempt: 2, tier: 'premium', model: HIGH, late_verdict: null }),
          ],
          final_attempt: 2,
          cost_usd: 2,
        }),
      ),
    ],
    tiers,
  );
  expect(report).toMatchObject({ jobs: 7, redacted: 1, compared: { jobs: 1, cost_usd: { before: 0.25, after: 0.25 } } });
  expect(report.unknown).toEqual({
    no_answer: 1,
    asked: { [HIGH]: 1 },
    cut_short: 1,
    found_wrong: 1,
    cost_unknown: 2,
    refused: { unknown_route: 1 },
  });
  const lines = linesOf(report).join('\n');
  for (const words of [
    '1 of 7 jobs',
    '1 had an answer that was found to be wrong',
    `does not hold (${HIGH} 1)`,
    '1 is refused now (unknown_route)',
    '1 of the compared jobs',
  ])
    expect(lines).toContain(words);
});

test('jobs that arms of experiments had answered are told of, since a replay gives none', () => {
  const arms = [{ experiment: 'nova', arm: 'canary' }];
  const jobs = [exampleRecording('job_1', { arms }), exampleRecording('job_2', { arms }), exampleRecording('job_3')];
  const report = compare(
    jobs.map((job) => played(job)),
    tiers,
  );
  expect(report.arms).toEqual({ 'nova/canary': 2 });
  expect(linesOf(report).join('\n')).toContain(
    'Experiments are not replayed: of the compared jobs these arms had answered some (nova/canary 2).',
  );
  expect(linesOf(compare([played(jobs[2]!)], tiers)).join('\n')).not.toContain('Experiments');
});

test('what a canary cost before it was taken back is not in the cost then, since a replay has no canary that could save it', () => {
  const attempts = [exampleAttempt({ model: HIGH, cost_usd: 2 }), exampleAttempt({ attempt: 2 })];
  const rerun = exampleRecording('job_1', { attempts, final_attempt: 2, discarded_attempts: 1, cost_usd: 2.25 });
  expect(compare([played(rerun)], tiers).compared.cost_usd).toEqual({ before: 0.25, after: 0.25 });
});

test('a recording names the arms that changed how its job was answered, which a shadow of it does not, and what of a canary was taken back', () => {
  const config = exampleConfig();
  const arms = [
    { experiment: 'nova', arm: 'canary', probability: 0.5 },
    { experiment: 'seen', arm: 'delivered', probability: 0.2 },
  ];
  const part = { arms, baseConfigVersion: 'v0', holdFor: null, held: null, discardedAttempts: 2, shadowOf: null };
  const told = (experiments: JobState['experiments']) =>
    recordingOf({ job: { ...acceptedJob(config), experiments }, request: question, answers: new Map(), trail: [], config }, []);
  expect(told(part)).toMatchObject({ arms: [{ experiment: 'nova', arm: 'canary' }], discarded_attempts: 2 });
  expect(told(null)).toMatchObject({ arms: [], discarded_attempts: 0 });
});

test('no job at all is no division by zero', () => {
  const { compared } = compare([], tiers);
  expect(compared).toMatchObject({ jobs: 0, mean_score: { before: null, after: null } });
  expect(compared.share.accepted).toEqual({ before: 0, after: 0 });
});
