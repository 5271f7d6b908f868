import { advance } from './advance.ts';
import { readJob } from './job-store.ts';
import { entryId, keys } from './names.ts';
import { queueNameOf, queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** Ends jobs whose deadline has passed. Returns how many. */
export async function expireJobs(pipeline: Pipeline, limit = 1000): Promise<number> {
  const due = await pipeline.redis.zrangebyscore(keys.deadlines, '-inf', Date.now(), 'LIMIT', 0, limit);
  for (const id of due) await advance(pipeline, id, { type: 'deadline-passed' });
  return due.length;
}

/**
 * Finds unfinished jobs that nothing has touched for a while and whose queue entry is gone, and makes the entry anew; a
 * job whose entry has failed for good is ended with the reason. Returns how many it mended.
 */
export async function reconcile(pipeline: Pipeline, untouchedMs: number, limit = 1000): Promise<number> {
  const ids = await pipeline.redis.zrangebyscore(keys.open, '-inf', Date.now() - untouchedMs, 'LIMIT', 0, limit);
  let mended = 0;
  for (const id of ids) if (await mend(pipeline, id)) mended += 1;
  return mended;
}

async function mend(pipeline: Pipeline, id: string): Promise<boolean> {
  const record = await readJob(pipeline, id);
  if (record === null) return (await pipeline.redis.zrem(keys.open, id)) > 0;
  const { state } = record;
  if (state.step === null) return false;
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

/** The entry is there and waits its turn: looked at again only after another while. */
async function touch({ redis }: Pipeline, id: string): Promise<false> {
  await redis.zadd(keys.open, 'XX', Date.now(), id);
  return false;
}

function changed(advanced: { changed: boolean } | null): boolean {
  return advanced?.changed ?? false;
}
