import type { JobState } from '@upshift/contracts';

import { advance } from '../advance.ts';
import { readJob } from '../job-store.ts';
import { heldIndex } from '../names.ts';
import type { Pipeline } from '../pipeline.ts';

/** Held jobs that are dealt with side by side. */
const BATCH = 100;
/** The longest that a job needs to be answered anew before its deadline, in ms. */
const LONGEST_RERUN_MS = 600_000;
/** The least that it is given, in ms. */
const SHORTEST_RERUN_MS = 5000;

/** How many jobs wait for a canary. */
export function countHeld({ redis, keys }: Pipeline, experiment: string): Promise<number> {
  return redis.zcard(keys.index(heldIndex(experiment)));
}

/** Tells the ends that were held before a time (ms since the epoch). Returns how many. */
export function releaseHeld(pipeline: Pipeline, experiment: string, before: number): Promise<number> {
  return forEachHeld(pipeline, experiment, async (id) => {
    const record = await readJob(pipeline, id);
    const held = record?.state.experiments?.held;
    return Boolean(held && held.at < before && (await advance(pipeline, id, { type: 'hold-released' }))?.changed);
  });
}

/** Has all held jobs answered anew by the stable arm. Returns how many. */
export function rerunHeld(pipeline: Pipeline, experiment: string, reason: string): Promise<number> {
  return forEachHeld(pipeline, experiment, (id) => takeBack(pipeline, id, reason));
}

/**
 * Takes jobs from a canary whose deadline comes near, held or still under way, so that the stable arm can answer them in time.
 *
 * @param usualMs how long the stable arm takes
 */
export async function rerunBeforeDeadline(pipeline: Pipeline, experiment: string, usualMs: number): Promise<number> {
  const now = Date.now();
  const ids = await pipeline.redis.zrangebyscore(pipeline.keys.deadlines, '-inf', String(now + LONGEST_RERUN_MS));
  return forAll(ids, async (id) => {
    const state = (await readJob(pipeline, id))?.state;
    if (state?.experiments?.holdFor !== experiment || now < rerunAt(state, usualMs)) return false;
    return takeBack(pipeline, id, 'its deadline comes near, and the canary has not passed yet');
  });
}

/** The time at which a job must be taken from a canary: twice the usual time before its deadline, at latest after half of its time. */
function rerunAt({ createdAt, deadline }: JobState, usualMs: number): number {
  if (deadline === null) return Infinity;
  const needed = Math.min(LONGEST_RERUN_MS, Math.max(SHORTEST_RERUN_MS, 2 * usualMs));
  return deadline - Math.min(needed, (deadline - createdAt) / 2);
}

async function takeBack(pipeline: Pipeline, id: string, reason: string): Promise<boolean> {
  return (await advance(pipeline, id, { type: 'arm-taken-back', reason }))?.changed ?? false;
}

async function forEachHeld(pipeline: Pipeline, experiment: string, work: (id: string) => Promise<boolean>): Promise<number> {
  return forAll(await pipeline.redis.zrange(pipeline.keys.index(heldIndex(experiment)), '0', '-1'), work);
}

async function forAll(ids: string[], work: (id: string) => Promise<boolean>): Promise<number> {
  let done = 0;
  for (let from = 0; from < ids.length; from += BATCH) {
    const changed = await Promise.all(ids.slice(from, from + BATCH).map(work));
    done += changed.filter(Boolean).length;
  }
  return done;
}
