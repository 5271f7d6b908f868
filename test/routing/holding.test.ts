import type { JobExperiments, JobState } from '@upshift/contracts';
import { decide, observationOf } from '@upshift/routing';
import { expect, test } from 'vitest';

import { acceptedJob, after, answered, classified, exampleConfig, failed, factsOf, judged, LOW, NOON, sent } from './example.ts';

const config = exampleConfig();
const facts = factsOf(config);

const experiments: JobExperiments = {
  arms: [{ experiment: 'new-model', arm: 'canary', probability: 0.05 }],
  baseConfigVersion: 'v0',
  holdFor: 'new-model',
  held: null,
  discardedAttempts: 0,
  shadowOf: null,
};

function canaryJob(changes: Partial<JobState> = {}): JobState {
  return { ...acceptedJob(config), experiments, ...changes };
}

const toTheEnd = [classified(0.1), sent(1), answered(1), judged(1, 0.9)];

test('the end of a held job is told to nobody: no result, no step, no delivery', () => {
  const { job, trail, commands } = after(canaryJob(), facts, ...toTheEnd);
  expect(job).toMatchObject({ status: 'in_progress', finalAttempt: null, step: null, completedAt: null });
  expect(job.experiments?.held).toMatchObject({ status: 'completed', finalAttempt: 1 });
  expect(trail.at(-1)).toMatchObject({ event: 'job-held', reason: 'accepted at 0.9; held until new-model has passed its step' });
  expect(commands).toEqual([]);
});

test('a released job ends as it would have ended, once', () => {
  const held = after(canaryJob(), facts, ...toTheEnd).job;
  const { job, commands } = decide(held, { type: 'hold-released' }, facts);
  expect(job).toMatchObject({ status: 'completed', finalAttempt: 1, reasons: [] });
  expect(commands).toEqual([{ type: 'deliver' }]);
  expect(decide(job, { type: 'hold-released' }, facts)).toMatchObject({ job, trail: [], commands: [] });
});

test('a job that is taken back is answered anew without the arm, may ask the same models, and keeps what it has paid', () => {
  const held = after(canaryJob(), facts, ...toTheEnd).job;
  const back = decide(held, { type: 'arm-taken-back', reason: 'rolled back' }, facts);
  expect(back.commands).toEqual([{ type: 'enqueue', step: { kind: 'classify' }, delayMs: 0 }]);
  expect(back.job).toMatchObject({
    configVersion: 'v0',
    finalAttempt: null,
    tier: null,
    experiments: { arms: [], holdFor: null },
  });
  const { job, commands } = after(back.job, facts, classified(0.1), sent(2), answered(2), judged(2, 0.9));
  expect(job).toMatchObject({ status: 'completed', finalAttempt: 2 });
  expect(job.attempts.map(({ model }) => model)).toEqual([LOW, LOW]);
  expect(job.attempts.every(({ costNanoUsd }) => costNanoUsd !== null)).toBe(true);
  expect(commands).toEqual([{ type: 'deliver' }]);
});

test('what a canary answered never becomes the best answer so far of a job that was taken back', () => {
  const held = after(canaryJob(), facts, ...toTheEnd).job;
  const back = decide(held, { type: 'arm-taken-back', reason: 'rolled back' }, facts).job;
  const { job } = after(back, facts, classified(0.1), sent(2), failed(2, 'invalid_request'));
  expect(job).toMatchObject({ status: 'failed', finalAttempt: null });
});

test('a deadline that passes while a canary answers or is held gives no unproven answer', () => {
  const late = factsOf(config, { now: NOON + 2000 });
  const held = after(canaryJob({ deadline: NOON + 1000 }), facts, ...toTheEnd).job;
  const { job, commands } = decide(held, { type: 'deadline-passed' }, late);
  expect(job).toMatchObject({ status: 'expired', finalAttempt: null, experiments: { held: null } });
  expect(commands).toContainEqual({ type: 'deliver' });
});

test('a held job can be cancelled', () => {
  const held = after(canaryJob(), facts, ...toTheEnd).job;
  expect(decide(held, { type: 'cancelled' }, facts).job).toMatchObject({ status: 'cancelled', experiments: { held: null } });
});

test('a failure is held too', () => {
  const { job } = after(canaryJob(), facts, classified(0.1), sent(1), failed(1, 'invalid_request'));
  expect(job).toMatchObject({ status: 'in_progress', experiments: { held: { status: 'failed' } } });
});

test('what is held is observed as if it had ended', () => {
  const held = after(canaryJob(), facts, ...toTheEnd).job;
  expect(observationOf(held)).toMatchObject({
    accepted: true,
    metrics: { score: 0.9, pass_rate: 1, error_rate: 0, latency_ms: 0 },
  });
});

test('a held job hears no more of a call that it does not wait for', () => {
  const called = after(canaryJob(), facts, classified(0.1)).job;
  const { job } = decide(called, { type: 'step-crashed', epoch: called.epoch, reason: 'it died thrice' }, facts);
  expect(job).toMatchObject({ status: 'queued', step: null, experiments: { held: { status: 'failed' } } });
  const { error } = failed(1, 'rate_limited');
  const late = { type: 'place-denied', attempt: 1, epoch: job.epoch, error } as const;
  expect(decide(job, late, facts)).toEqual({ job, trail: [], commands: [] });
});

test('a held job has no step that could be made anew', () => {
  const held = after(canaryJob(), facts, ...toTheEnd).job;
  const lost = { type: 'step-lost', epoch: held.epoch, reason: 'gone' } as const;
  expect(decide(held, lost, facts)).toEqual({ job: held, trail: [], commands: [] });
});

test('a job that is not held is not released, and one of no canary is not taken back', () => {
  const waiting = canaryJob();
  expect(decide(waiting, { type: 'hold-released' }, facts)).toEqual({ job: waiting, trail: [], commands: [] });
  const plain = acceptedJob(config);
  for (const event of [{ type: 'hold-released' }, { type: 'arm-taken-back', reason: 'rolled back' }] as const)
    expect(decide(plain, event, facts)).toEqual({ job: plain, trail: [], commands: [] });
});
