import type { JobStatus } from '@upshift/contracts';

import { SHADOWS_INDEX, statusIndex } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** The keys of indexes that no job shares: what a part of a filter means stands in one of them. */
export type Part = string[];

export function statusIndexes({ keys }: Pipeline, statuses: readonly JobStatus[], routes: string[]): Part {
  return routes.flatMap((route) => statuses.map((status) => keys.index(statusIndex(status, route))));
}

/** The indexes of unfinished jobs: those of lists, by route and status, and that of shadows, which no list names. */
export async function unfinishedIndexes(pipeline: Pipeline): Promise<Part> {
  const { redis, keys } = pipeline;
  const listed = statusIndexes(pipeline, ['queued', 'in_progress'], await redis.smembers(keys.routes));
  return [...listed, keys.index(SHADOWS_INDEX)];
}

/** How many jobs of a cell are unfinished. */
export async function unfinishedIn(pipeline: Pipeline): Promise<number> {
  return sizeOf(pipeline, await unfinishedIndexes(pipeline));
}

/** How many jobs stand in the indexes of a part together. */
export async function sizeOf({ redis }: Pipeline, part: Part): Promise<number> {
  const read = redis.multi();
  for (const key of part) read.zcard(key);
  return (await repliesOf<number>(read)).reduce((sum, size) => sum + size, 0);
}

/** The replies of a transaction, or of commands that are sent together; throws the first error among them. */
export async function repliesOf<Reply>(read: { exec: () => Promise<[Error | null, unknown][] | null> }): Promise<Reply[]> {
  const replies = (await read.exec()) ?? [];
  return replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as Reply;
  });
}
