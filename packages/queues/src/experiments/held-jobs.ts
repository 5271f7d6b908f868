import { canaryTimeMs } from '@upshift/routing';

import { advance } from '../advance.ts';
import { readJob } from '../job-store.ts';
import { canaryIndex, heldIndex } from '../names.ts';
import type { Pipeline } from '../pipeline.ts';

/** Held jobs that are dealt with side by side. */
const BATCH = 100;

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
 * @param needsMs what that takes
 */
export async function rerunBeforeDeadline(pipeline: Pipeline, experiment: string, needsMs: number): Promise<number> {
  const now = Date.now();
  return forAll(await nearDeadline(pipeline, experiment, now + needsMs), async (id) => {
    const state = (await readJob(pipeline, id))?.state;
    if (state?.experiments?.holdFor !== experiment || state.deadline === null) return false;
    if (now < state.createdAt + canaryTimeMs(state.deadline - state.createdAt, needsMs)) return false;
    return takeBack(pipeline, id, 'its deadline comes near, and the canary has not passed yet');
  });
}

/** The jobs of a canary with a deadline up to a time: few of all that have one. */
async function nearDeadline({ redis, keys }: Pipeline, experiment: string, upTo: number): Promise<string[]> {
  const found = await redis.zinter(2, keys.deadlines, keys.index(canaryIndex(experiment)), 'WITHSCORES');
  return found.filter((_, position) => position % 2 === 0 && Number(found[position + 1]) <= upTo);
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
