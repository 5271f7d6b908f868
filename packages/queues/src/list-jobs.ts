import type { JobStatus } from '@upshift/contracts';

import type { Cells } from './cells/cells.ts';
import { idInCell, metadataIndex, orderOfId } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** Which jobs are meant; what is left out does not matter. */
export interface JobFilter {
  status?: JobStatus | undefined;
  route?: string | undefined;
  task?: string | undefined;
  metadata?: Record<string, string>;
}

export interface JobPage {
  /** Newest first. */
  ids: string[];
  hasMore: boolean;
}

/** Ids looked at in one go where a filter combines several indexes. */
const BATCH = 1000;

/** The newest jobs of a filter, or those older than `after`, of all cells. */
export async function listJobs(
  cells: Cells,
  filter: JobFilter,
  { limit, after = null }: { limit: number; after?: string | null },
): Promise<JobPage> {
  const pages = await Promise.all((await cells.all()).map((cell) => listCell(cell, filter, { limit, after })));
  const found = pages.flatMap(({ ids }) => ids).toSorted(newestFirst);
  return { ids: found.slice(0, limit), hasMore: found.length > limit || pages.some(({ hasMore }) => hasMore) };
}

function newestFirst(one: string, other: string): number {
  return orderOfId(one) < orderOfId(other) ? 1 : -1;
}

/**
 * Those of one cell. Walks the smallest of the filter's indexes and asks the others
 * whether they hold what it found: a filter that few jobs fit is slow only where each of its parts fits many.
 */
async function listCell(
  pipeline: Pipeline,
  filter: JobFilter,
  { limit, after: afterAny }: { limit: number; after: string | null },
): Promise<JobPage> {
  const after = afterAny === null ? null : idInCell(afterAny, pipeline.cell);
  const [smallest, ...others] = await bySize(pipeline, indexKeysOf(pipeline, filter));
  if (smallest === undefined) return listAll(pipeline, limit, after);
  const found: string[] = [];
  for (let from = after; found.length <= limit;) {
    const ids = await olderThan(pipeline, smallest, from, others.length === 0 ? limit + 1 : BATCH);
    found.push(...(await inAll(pipeline, ids, others)));
    if (ids.length === 0) break;
    from = ids.at(-1) ?? null;
  }
  return { ids: found.slice(0, limit), hasMore: found.length > limit };
}

/** Every job stands in the index of its route, and routes are few. */
async function listAll(pipeline: Pipeline, limit: number, after: string | null): Promise<JobPage> {
  const routes = await pipeline.redis.smembers(pipeline.keys.routes);
  const newest = await Promise.all(
    routes.map((route) => olderThan(pipeline, pipeline.keys.index(`route:${route}`), after, limit + 1)),
  );
  const found = newest.flat().toSorted().toReversed();
  return { ids: found.slice(0, limit), hasMore: found.length > limit };
}

/** The newest ids of an index that are older than `after`. */
function olderThan({ redis }: Pipeline, index: string, after: string | null, most: number): Promise<string[]> {
  return redis.zrevrangebylex(index, after === null ? '+' : `(${after}`, '-', 'LIMIT', 0, most);
}

/** Takes a job out of an index that still names it although Redis has dropped its record. */
export async function dropFromIndexes(pipeline: Pipeline, filter: JobFilter, id: string): Promise<void> {
  const { redis, keys } = pipeline;
  const named = indexKeysOf(pipeline, filter);
  const indexes = named.length > 0 ? named : (await redis.smembers(keys.routes)).map((route) => keys.index(`route:${route}`));
  await Promise.all(indexes.map((key) => redis.zrem(key, id)));
}

function indexKeysOf({ keys }: Pipeline, { status, route, task, metadata = {} }: JobFilter): string[] {
  const names = [
    ...(status === undefined ? [] : [`status:${status}`]),
    ...(route === undefined ? [] : [`route:${route}`]),
    ...(task === undefined ? [] : [`task:${task}`]),
    ...Object.entries(metadata).map(([key, value]) => metadataIndex(key, value)),
  ];
  return names.map(keys.index);
}

async function bySize({ redis }: Pipeline, indexes: string[]): Promise<string[]> {
  if (indexes.length === 1) return indexes;
  const sized = await Promise.all(indexes.map(async (key) => ({ key, size: await redis.zcard(key) })));
  return sized.toSorted((one, other) => one.size - other.size).map(({ key }) => key);
}

async function inAll({ redis }: Pipeline, ids: string[], indexes: string[]): Promise<string[]> {
  if (ids.length === 0 || indexes.length === 0) return ids;
  const scores = await Promise.all(indexes.map((key) => redis.zmscore(key, ...ids)));
  return ids.filter((_, position) => scores.every((ofIndex) => ofIndex[position] !== null));
}
