import type { JobState } from '@upshift/contracts';

import { advance } from '../advance.ts';
import { readJob } from '../job-store.ts';
import { heldIndex } from '../names.ts';
import type { Cells } from '../cells/cells.ts';

/** Held jobs that are dealt with side by side. */
const BATCH = 100;
/** The longest that a job needs to be answered anew before its deadline, in ms. */
const LONGEST_RERUN_MS = 600_000;
/** The least that it is given, in ms. */
const SHORTEST_RERUN_MS = 5000;

/** How many jobs wait for a canary. */
export async function countHeld(cells: Cells, experiment: string): Promise<number> {
  const all = await cells.all();
  const counts = await Promise.all(all.map(({ redis, keys }) => redis.zcard(keys.index(heldIndex(experiment)))));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Tells the ends that were held before a time (ms since the epoch). Returns how many. */
export function releaseHeld(cells: Cells, experiment: string, before: number): Promise<number> {
  return forEachHeld(cells, experiment, async (id) => {
    const record = await readJob(cells.of(id), id);
    const held = record?.state.experiments?.held;
    return Boolean(held && held.at < before && (await advance(cells.of(id), id, { type: 'hold-released' }))?.changed);
  });
}

/** Has all held jobs answered anew by the stable arm. Returns how many. */
export function rerunHeld(cells: Cells, experiment: string, reason: string): Promise<number> {
  return forEachHeld(cells, experiment, (id) => takeBack(cells, id, reason));
}

/**
 * Takes jobs from a canary whose deadline comes near, held or still under way, so that the stable arm can answer them in time.
 *
 * @param usualMs how long the stable arm takes
 */
export async function rerunBeforeDeadline(cells: Cells, experiment: string, usualMs: number): Promise<number> {
  const now = Date.now();
  const upTo = String(now + LONGEST_RERUN_MS);
  const all = await cells.all();
  const ids = await Promise.all(all.map(({ redis, keys }) => redis.zrangebyscore(keys.deadlines, '-inf', upTo)));
  return forAll(ids.flat(), async (id) => {
    const state = (await readJob(cells.of(id), id))?.state;
    if (state?.experiments?.holdFor !== experiment || now < rerunAt(state, usualMs)) return false;
    return takeBack(cells, id, 'its deadline comes near, and the canary has not passed yet');
  });
}

/** The time at which a job must be taken from a canary: twice the usual time before its deadline, at latest after half of its time. */
function rerunAt({ createdAt, deadline }: JobState, usualMs: number): number {
  if (deadline === null) return Infinity;
  const needed = Math.min(LONGEST_RERUN_MS, Math.max(SHORTEST_RERUN_MS, 2 * usualMs));
  return deadline - Math.min(needed, (deadline - createdAt) / 2);
}

async function takeBack(cells: Cells, id: string, reason: string): Promise<boolean> {
  return (await advance(cells.of(id), id, { type: 'arm-taken-back', reason }))?.changed ?? false;
}

async function forEachHeld(cells: Cells, experiment: string, work: (id: string) => Promise<boolean>): Promise<number> {
  const all = await cells.all();
  const ids = await Promise.all(all.map(({ redis, keys }) => redis.zrange(keys.index(heldIndex(experiment)), '0', '-1')));
  return forAll(ids.flat(), work);
}

async function forAll(ids: string[], work: (id: string) => Promise<boolean>): Promise<number> {
  let done = 0;
  for (let from = 0; from < ids.length; from += BATCH) {
    const changed = await Promise.all(ids.slice(from, from + BATCH).map(work));
    done += changed.filter(Boolean).length;
  }
  return done;
}
