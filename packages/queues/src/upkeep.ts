import { advance } from './advance.ts';
import { queueNameOf } from './entries.ts';
import { readJob } from './job-store.ts';
import { entryId } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** Jobs read at a time; rounds go on while there are more. */
const BATCH = 500;

/** Ends jobs whose deadline has passed. Returns how many it looked at. */
export function expireJobs(pipeline: Pipeline): Promise<number> {
  return forEachDue(pipeline, pipeline.keys.deadlines, Date.now(), async (id) => {
    const advanced = await advance(pipeline, id, { type: 'deadline-passed' });
    if (advanced === null) await pipeline.redis.zrem(pipeline.keys.deadlines, id);
    return advanced?.changed ?? false;
  });
}

/**
 * Finds unfinished jobs that nothing has touched for a while and whose queue entry is gone, and makes the entry anew; a
 * job whose entry has failed for good is ended with the reason. Returns how many it mended.
 */
export function reconcile(pipeline: Pipeline, untouchedMs: number): Promise<number> {
  return forEachDue(pipeline, pipeline.keys.open, Date.now() - untouchedMs, (id) => mend(pipeline, id));
}

/**
 * Works through a sorted set in ascending order up to a score. A job that can not be dealt with keeps its place and does not
 * stand in the way of the others.
 */
async function forEachDue(
  pipeline: Pipeline,
  key: string,
  upTo: number,
  work: (id: string) => Promise<boolean>,
): Promise<number> {
  let changes = 0;
  for (let from = '-inf'; ;) {
    const found = await pipeline.redis.zrangebyscore(key, from, upTo, 'WITHSCORES', 'LIMIT', 0, BATCH);
    const ids = found.filter((_, index) => index % 2 === 0);
    for (const id of ids) if (await attempted(pipeline, id, work)) changes += 1;
    if (ids.length < BATCH) return changes;
    from = `(${found.at(-1)}`;
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

async function mend(pipeline: Pipeline, id: string): Promise<boolean> {
  const record = await readJob(pipeline, id);
  if (record === null) return (await pipeline.redis.zrem(pipeline.keys.open, id)) > 0;
  const { state } = record;
  if (state.step === null) return state.experiments?.held ? touch(pipeline, id) : false;
  const entryState = await queueOf(pipeline, queueNameOf(state, state.step)).getJobState(entryId(state, state.step));
  if (entryState === 'failed')
    return changed(await advance(pipeline, id, { type: 'step-crashed', epoch: state.epoch, reason: 'its step failed for good' }));
  if (entryState !== 'unknown' && entryState !== 'completed') return touch(pipeline, id);
  return changed(
    await advance(pipeline, id, {
      type: 'step-lost',
      epoch: state.epoch,
      reason: `the queue entry of the step was gone (${entryState})`,
    }),
  );
}

/** The entry is there and waits its turn, or a canary holds the answer: looked at again only after another while. */
async function touch({ redis, keys }: Pipeline, id: string): Promise<false> {
  await redis.zadd(keys.open, 'XX', Date.now(), id);
  return false;
}

function changed(advanced: { changed: boolean } | null): boolean {
  return advanced?.changed ?? false;
}
