import type { JobStatus } from '@upshift/contracts';
import { jobStatuses } from '@upshift/contracts';

import type { Cells } from './cells/cells.ts';
import { repliesOf, sizeOf, statusIndexes } from './indexes.ts';
import type { Part } from './indexes.ts';
import { idInCell, metadataIndex, orderOfId, taskIndex } from './names.ts';
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
 * Those of one cell. Walks the smallest of the filter's parts and asks the others whether they hold what it found: a filter that few
 * jobs fit is slow only where each of its parts fits many.
 */
async function listCell(
  pipeline: Pipeline,
  filter: JobFilter,
  { limit, after: afterAny }: { limit: number; after: string | null },
): Promise<JobPage> {
  const after = afterAny === null ? null : idInCell(afterAny, pipeline.cell);
  const [smallest = [], ...others] = await bySize(pipeline, await partsOf(pipeline, filter));
  const found: string[] = [];
  for (let from = after; found.length <= limit;) {
    const ids = await olderThan(pipeline, smallest, from, others.length === 0 ? limit + 1 : BATCH);
    found.push(...(await inAll(pipeline, ids, others)));
    if (ids.length === 0) break;
    from = ids.at(-1) ?? null;
  }
  return { ids: found.slice(0, limit), hasMore: found.length > limit };
}

/** Takes a job out of the indexes that still name it although Redis has dropped its record. */
export async function dropFromIndexes(pipeline: Pipeline, filter: JobFilter, id: string): Promise<void> {
  const parts = await partsOf(pipeline, filter);
  await Promise.all(parts.flat().map((key) => pipeline.redis.zrem(key, id)));
}

/** Routes and statuses are few; that is why a job stands in an index of both and not in one of each. */
async function partsOf(pipeline: Pipeline, { status, route, task, metadata = {} }: JobFilter): Promise<Part[]> {
  const others = [
    ...(task === undefined ? [] : [taskIndex(task)]),
    ...Object.entries(metadata).map(([key, value]) => metadataIndex(key, value)),
  ].map((name) => [pipeline.keys.index(name)]);
  if (status === undefined && route === undefined && others.length > 0) return others;
  const routes = route === undefined ? await pipeline.redis.smembers(pipeline.keys.routes) : [route];
  return [statusIndexes(pipeline, status === undefined ? jobStatuses : [status], routes), ...others];
}

/** The newest ids of a part that are older than `after`. */
async function olderThan({ redis }: Pipeline, part: Part, after: string | null, most: number): Promise<string[]> {
  // At one moment for all of them: a job that goes from one index to another meanwhile would be missed, or found twice.
  const read = redis.multi();
  for (const key of part) read.zrevrangebylex(key, after === null ? '+' : `(${after}`, '-', 'LIMIT', 0, most);
  const found = (await repliesOf<string[]>(read)).flat();
  return found.toSorted().toReversed().slice(0, most);
}

async function bySize(pipeline: Pipeline, parts: Part[]): Promise<Part[]> {
  if (parts.length === 1) return parts;
  const sized = await Promise.all(parts.map(async (part) => ({ part, size: await sizeOf(pipeline, part) })));
  return sized.toSorted((one, other) => one.size - other.size).map(({ part }) => part);
}

async function inAll({ redis }: Pipeline, ids: string[], parts: Part[]): Promise<string[]> {
  if (ids.length === 0 || parts.length === 0) return ids;
  const read = redis.multi();
  for (const key of parts.flat()) read.zmscore(key, ...ids);
  const scores = await repliesOf<(string | null)[]>(read);
  const held = parts.map((part) => scores.splice(0, part.length));
  return ids.filter((_, position) => held.every((ofPart) => ofPart.some((ofIndex) => ofIndex[position] !== null)));
}
