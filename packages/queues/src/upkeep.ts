import { advance } from './advance.ts';
import { queueNameOf } from './entries.ts';
import { readJob } from './job-store.ts';
import { unfinishedIndexes } from './indexes.ts';
import { entryId, firstIdAt } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** Jobs read at a time; rounds go on while there are more. */
const BATCH = 500;

/** Ends jobs whose deadline has passed. Returns how many it ended. */
export function expireJobs(pipeline: Pipeline): Promise<number> {
  return forEachOf(pipeline, dueBefore(pipeline, Date.now()), async (id) => {
    const advanced = await advance(pipeline, id, { type: 'deadline-passed' });
    if (advanced === null) await pipeline.redis.zrem(pipeline.keys.deadlines, id);
    return advanced?.changed ?? false;
  });
}

/**
 * Finds unfinished jobs of a certain age whose queue entry is gone, and makes the entry anew; a job whose entry has failed for good is
 * ended with the reason. Returns how many it mended.
 */
export async function reconcile(pipeline: Pipeline, olderThanMs: number): Promise<number> {
  const before = firstIdAt(pipeline.cell, Date.now() - olderThanMs);
  const queued = queuedOf(pipeline);
  let mended = 0;
  for (const index of await unfinishedIndexes(pipeline))
    mended += await forEachOf(pipeline, idsBefore(pipeline, index, before), (id) => mend(pipeline, index, id, queued));
  return mended;
}

/**
 * Deals with the jobs of a page side by side: one after another, a long backlog takes minutes. A job that can not be dealt with does not stand
 * in the way of the others. Returns for how many the work says that it did something.
 */
async function forEachOf(
  pipeline: Pipeline,
  pages: AsyncIterable<string[]>,
  work: (id: string) => Promise<boolean>,
): Promise<number> {
  let changes = 0;
  for await (const ids of pages)
    changes += (await Promise.all(ids.map((id) => attempted(pipeline, id, work)))).filter(Boolean).length;
  return changes;
}

/** From the last one back: those that leave take no other out of its place, and any number may be due in the same millisecond. */
async function* dueBefore({ redis, keys }: Pipeline, now: number): AsyncGenerator<string[]> {
  for (let left = await redis.zcount(keys.deadlines, '-inf', now); left > 0; left -= BATCH)
    yield redis.zrangebyscore(keys.deadlines, '-inf', now, 'LIMIT', Math.max(0, left - BATCH), Math.min(left, BATCH));
}

async function* idsBefore({ redis }: Pipeline, index: string, before: string): AsyncGenerator<string[]> {
  for (let from = '-'; ;) {
    const ids = await redis.zrangebylex(index, from, `(${before}`, 'LIMIT', 0, BATCH);
    yield ids;
    if (ids.length < BATCH) return;
    from = `(${ids.at(-1)}`;
  }
}

async function attempted(pipeline: Pipeline, id: string, work: (id: string) => Promise<boolean>): Promise<boolean> {
  try {
    return await work(id);
  } catch (error) {
    pipeline.logger.error({ job: id, reason: String(error) }, 'upkeep of a job failed');
    return false;
  }
}

/** Whether an entry waits in a queue, or is worked on there. */
type Queued = (queue: string, entry: string) => Promise<boolean>;

/**
 * BullMQ looks for an entry through the whole of its lists, which takes Redis seconds where a backlog is asked about one by one. They are read
 * once for a round instead; one that has been added since is for BullMQ to find.
 */
function queuedOf({ redis, keys }: Pipeline): Queued {
  const listed = new Map<string, Promise<Set<string>>>();
  return async (queue, entry) => {
    const key = (name: string): string => `${keys.prefix}:${queue}:${name}`;
    const scores = await Promise.all(['prioritized', 'delayed'].map((name) => redis.zscore(key(name), entry)));
    if (scores.some((score) => score !== null)) return true;
    const entries = listed.get(queue) ?? entriesOf(redis, [key('wait'), key('active')]);
    listed.set(queue, entries);
    return (await entries).has(entry);
  };
}

async function entriesOf(redis: Pipeline['redis'], lists: string[]): Promise<Set<string>> {
  const entries = new Set<string>();
  for (const list of lists)
    for (let from = 0, page: string[] = []; from === 0 || page.length === BATCH; from += BATCH) {
      page = await redis.lrange(list, from, from + BATCH - 1);
      for (const entry of page) entries.add(entry);
    }
  return entries;
}

async function mend(pipeline: Pipeline, index: string, id: string, queued: Queued): Promise<boolean> {
  const record = await readJob(pipeline, id);
  if (record === null) return (await pipeline.redis.zrem(index, id)) > 0;
  const { state } = record;
  if (state.step === null) return false;
  const [queue, entry] = [queueNameOf(state, state.step), entryId(state, state.step)];
  // The entry is there and waits its turn.
  if (await queued(queue, entry)) return false;
  const entryState = await queueOf(pipeline, queue).getJobState(entry);
  if (entryState === 'failed')
    return changed(await advance(pipeline, id, { type: 'step-crashed', epoch: state.epoch, reason: 'its step failed for good' }));
  if (entryState !== 'unknown' && entryState !== 'completed') return false;
  return changed(
    await advance(pipeline, id, {
      type: 'step-lost',
      epoch: state.epoch,
      reason: `the queue entry of the step was gone (${entryState})`,
    }),
  );
}

function changed(advanced: { changed: boolean } | null): boolean {
  return advanced?.changed ?? false;
}
