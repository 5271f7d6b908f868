import { enqueue, finish, note } from './draft.ts';
import type { Draft } from './draft.ts';

/** The canary's step has passed: the end that was held is told. */
export function holdReleased(draft: Draft): void {
  const { job } = draft;
  const held = job.experiments?.held;
  if (!held) return;
  job.experiments = { ...job.experiments!, holdFor: null, held: null };
  Object.assign(job, { finalAttempt: held.finalAttempt, degraded: held.degraded });
  note(draft, 'job-released', 'the canary has passed');
  finish(draft, held.status, held.reason);
}

/** The canary is taken back, or there is no time left to wait: the job is answered anew without any arm that is tried. What was paid stays in its ledger. */
export function armTakenBack(draft: Draft, reason: string): void {
  const { job } = draft;
  const { experiments } = job;
  if (!experiments?.holdFor) return;
  job.configVersion = experiments.baseConfigVersion;
  job.experiments = { ...experiments, arms: [], holdFor: null, held: null, discardedAttempts: job.attempts.length };
  Object.assign(job, {
    tier: null,
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    passedOver: 0,
    finalAttempt: null,
    degraded: false,
    reasons: [],
  });
  note(draft, 'job-rerun', reason);
  enqueue(draft, { kind: 'classify' });
}
