import type { Cells } from '../cells/cells.ts';
import { canaryIndex, heldIndex, shadowIndex } from '../names.ts';

/** How many jobs wait for a canary. */
export function countHeld(cells: Cells, experiment: string): Promise<number> {
  return countInIndex(cells, heldIndex(experiment));
}

/** How many do, or will when it has answered them. */
export function countUnfinished(cells: Cells, experiment: string): Promise<number> {
  return countInIndex(cells, canaryIndex(experiment));
}

/** How many jobs of an arm of a shadow are under way. */
export function countUnderWay(cells: Cells, experiment: string, arm: string): Promise<number> {
  return countInIndex(cells, shadowIndex(experiment, arm));
}

async function countInIndex(cells: Cells, name: string): Promise<number> {
  const all = await cells.all();
  const counts = await Promise.all(all.map(({ redis, keys }) => redis.zcard(keys.index(name))));
  return counts.reduce((sum, count) => sum + count, 0);
}
