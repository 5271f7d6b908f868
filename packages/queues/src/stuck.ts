import type { JobState } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';

import { delayedScorePerMs } from './catalogue.ts';
import type { Cells } from './cells/cells.ts';
import { queueNameOf } from './entries.ts';
import { tierOf } from './inspect.ts';
import type { QueueState } from './inspect.ts';
import { readJob } from './job-store.ts';
import { unfinishedIndexes } from './indexes.ts';
import { entryId, firstIdAt } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';
import { withScores } from './with-scores.ts';

/** How long nothing may happen, in ms, before it counts as stuck: a restart of the workers takes less. */
export const STUCK_AFTER_MS = 60_000;

/** Unfinished jobs looked at in one go, the oldest first; where more are stuck the count is a least one. */
const JOBS_LOOKED_AT = 100;
/** Delayed entries counted at most; where more are overdue the count is a least one. */
const DELAYED_LOOKED_AT = 1000;

/** A queue from which nobody takes: entries are due, the oldest for long, and none is active. */
interface IdleQueue {
  cell: number;
  queue: string;
  tier: string | null;
  /** Those that wait, and delayed ones whose time has come. */
  entries: number;
  oldestDueMs: number;
}

/** An unfinished job that no entry of any queue carries on. */
interface LostJob {
  id: string;
  /** Where its entry should be; null where it has no next step. */
  queue: string | null;
  tier: string | null;
  /** Since it was accepted. */
  ageMs: number;
  reason: string;
}

/** What does not move by itself. No job is counted twice: an idle queue has the job's entry, a lost job has none. */
export interface Stuck {
  queues: IdleQueue[];
  jobs: LostJob[];
}

/** @param queues the queues of all cells */
export async function readStuck(cells: Cells, queues: QueueState[]): Promise<Stuck> {
  const stuck = await Promise.all((await cells.all()).map((cell) => stuckInCell(cell, queues)));
  return { queues: stuck.flatMap((ofCell) => ofCell.queues), jobs: stuck.flatMap(({ jobs }) => jobs) };
}

async function stuckInCell(pipeline: Pipeline, queues: QueueState[]): Promise<Stuck> {
  const own = queues.filter(({ cell }) => cell === pipeline.cell);
  const [idle, lost] = await Promise.all([
    Promise.all(own.map((queue) => idleQueue(pipeline, queue))),
    readLostJobs(pipeline, Date.now()),
  ]);
  return { queues: idle.filter((queue) => queue !== null), jobs: lost };
}

async function idleQueue(pipeline: Pipeline, state: QueueState): Promise<IdleQueue | null> {
  const { cell, queue, tier, active, waiting, oldestWaitingMs } = state;
  if (active > 0) return null;
  const overdue = state.delayed === 0 ? [] : await overdueMs(pipeline, queue);
  const oldestDueMs = Math.max(oldestWaitingMs, ...overdue);
  return oldestDueMs > STUCK_AFTER_MS ? { cell, queue, tier, entries: waiting + overdue.length, oldestDueMs } : null;
}

/** For how long delayed entries have been due, longest first. A worker that lives promotes them at their time. */
async function overdueMs({ redis, keys }: Pipeline, queue: string): Promise<number[]> {
  const now = Date.now();
  const due = await redis.zrangebyscore(
    `${keys.prefix}:${queue}:delayed`,
    '-inf',
    now * delayedScorePerMs,
    'WITHSCORES',
    'LIMIT',
    0,
    DELAYED_LOOKED_AT,
  );
  return withScores(due).map(([, score]) => now - score / delayedScorePerMs);
}

async function readLostJobs(pipeline: Pipeline, now: number): Promise<LostJob[]> {
  const before = firstIdAt(pipeline.cell, now - STUCK_AFTER_MS);
  const oldest = await Promise.all(
    (await unfinishedIndexes(pipeline)).map((index) =>
      pipeline.redis.zrangebylex(index, '-', `(${before}`, 'LIMIT', 0, JOBS_LOOKED_AT),
    ),
  );
  const ids = oldest.flat().toSorted().slice(0, JOBS_LOOKED_AT);
  const lost = await Promise.all(ids.map((id) => lostJob(pipeline, id, now)));
  return lost.filter((job) => job !== null);
}

async function lostJob(pipeline: Pipeline, id: string, now: number): Promise<LostJob | null> {
  const record = await readJob(pipeline, id);
  if (record === null) return null;
  const lost = await whyLost(pipeline, record.state, now);
  if (lost === null) return null;
  // The record and the entry were read one after the other: a job that has moved on in between has finished the entry that was looked for.
  const again = await readJob(pipeline, id);
  return again?.version === record.version ? lost : null;
}

async function whyLost(pipeline: Pipeline, state: JobState, now: number): Promise<LostJob | null> {
  // It ended after the indexes were read, or waits for its canary, as it should.
  if (isTerminal(state.status) || state.experiments?.held) return null;
  const { id, tier } = state;
  const ageMs = now - state.createdAt;
  if (state.step === null) return { id, queue: null, tier, ageMs, reason: 'it has no next step' };
  const queue = queueNameOf(state, state.step);
  const entryState = await queueOf(pipeline, queue).getJobState(entryId(state, state.step));
  const reason = reasons[entryState];
  return reason === undefined ? null : { id, queue, tier: tierOf(queue), ageMs, reason };
}

/** States of an entry that carry no job on; the steward's reconciler mends such a job within seconds, where one runs. */
const reasons: Record<string, string> = {
  failed: 'its step failed for good',
  unknown: 'its queue entry is gone',
  completed: 'its queue entry was finished without the job moving on',
};
