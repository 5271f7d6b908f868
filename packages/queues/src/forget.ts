import { isTerminal } from '@upshift/contracts';

import { readJob, readRequest } from './job-store.ts';
import { indexesOf, keys } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** Forgets a job unless its record has changed since. KEYS: job, trail, expiries, indexes. ARGV: id, version. */
const forgetScript = `
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[2] then return 0 end
for index = 3, #KEYS do redis.call('ZREM', KEYS[index], ARGV[1]) end
return redis.call('DEL', KEYS[1], KEYS[2])`;

/** Jobs looked at in one run; the next run takes the rest. */
const BATCH = 1000;

/** Removes jobs whose retention has ended, with their trails and their places in the indexes. Returns how many. */
export async function forgetJobs(pipeline: Pipeline): Promise<number> {
  const due = await pipeline.redis.zrangebyscore(keys.expiries, '-inf', Date.now(), 'LIMIT', 0, BATCH);
  let forgotten = 0;
  for (const id of due) if (await forget(pipeline, id)) forgotten += 1;
  return forgotten;
}

async function forget(pipeline: Pipeline, id: string): Promise<boolean> {
  const { redis } = pipeline;
  const [record, request] = await Promise.all([readJob(pipeline, id), readRequest(pipeline, id)]);
  if (record === null || request === null) {
    // Redis dropped it while no steward ran. A list that meets its id drops that too.
    await redis.zrem(keys.expiries, id);
    return false;
  }
  if (!isTerminal(record.state.status)) return false;
  const indexes = indexesOf(record.state, request.metadata).map(keys.index);
  const all = [keys.job(id), keys.trail(id), keys.expiries, ...indexes];
  return Number(await redis.eval(forgetScript, all.length, ...all, id, String(record.version))) > 0;
}
