import { canaryTimeMs } from '@upshift/routing';

import { advance } from '../advance.ts';
import type { Cells } from '../cells/cells.ts';
import { readJob } from '../job-store.ts';
import { canaryIndex, heldIndex } from '../names.ts';
import type { Pipeline } from '../pipeline.ts';
import { withScores } from '../with-scores.ts';

/** Held jobs that are dealt with side by side. */
const BATCH = 100;

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
 * @param needsMs what that takes
 */
export async function rerunBeforeDeadline(cells: Cells, experiment: string, needsMs: number): Promise<number> {
  const now = Date.now();
  const near = await Promise.all((await cells.all()).map((cell) => nearDeadline(cell, experiment, now + needsMs)));
  return forAll(near.flat(), async (id) => {
    const state = (await readJob(cells.of(id), id))?.state;
    if (state?.experiments?.holdFor !== experiment || state.deadline === null) return false;
    if (now < state.createdAt + canaryTimeMs(state.deadline - state.createdAt, needsMs)) return false;
    return takeBack(cells, id, 'its deadline comes near, and the canary has not passed');
  });
}

/** The jobs of a canary in a cell with a deadline up to a time: few of all that have one. */
async function nearDeadline({ redis, keys }: Pipeline, experiment: string, upTo: number): Promise<string[]> {
  const found = await redis.zinter(2, keys.deadlines, keys.index(canaryIndex(experiment)), 'WITHSCORES');
  return withScores(found).flatMap(([id, deadline]) => (deadline <= upTo ? [id] : []));
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
