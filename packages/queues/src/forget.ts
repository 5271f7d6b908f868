import { isTerminal } from '@upshift/contracts';

import { readJob, readRequest } from './job-store.ts';
import { indexesOf } from './names.ts';
import type { Pipeline } from './pipeline.ts';

/** Forgets a job unless its record has changed since. KEYS: job, expiries, quarantine, indexes. ARGV: id, version. */
const forgetScript = `
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[2] then return 0 end
for index = 2, #KEYS do redis.call('ZREM', KEYS[index], ARGV[1]) end
return redis.call('DEL', KEYS[1])`;

/** Jobs forgotten side by side: enough that Redis is never waited for. */
const BATCH = 200;
/** In one run: a steward that stops waits for its end. */
const LONGEST_RUN = 5000;

/** Removes jobs whose retention has ended, with their trails and their places in the indexes. Returns how many. */
export async function forgetJobs(pipeline: Pipeline): Promise<number> {
  let forgotten = 0;
  while (forgotten < LONGEST_RUN) {
    const due = await pipeline.redis.zrangebyscore(pipeline.keys.expiries, '-inf', Date.now(), 'LIMIT', 0, BATCH);
    const gone = (await Promise.all(due.map((id) => forget(pipeline, id)))).filter(Boolean).length;
    forgotten += gone;
    if (due.length < BATCH || gone === 0) break;
  }
  return forgotten;
}

/** Whether the job is gone. */
async function forget(pipeline: Pipeline, id: string): Promise<boolean> {
  const { redis, keys } = pipeline;
  const [record, request] = await Promise.all([readJob(pipeline, id), readRequest(pipeline, id)]);
  // Without a record there is nothing else to remove: a list that meets its id drops that itself.
  if (record === null || request === null) return (await redis.zrem(keys.expiries, id)) > 0;
  if (!isTerminal(record.state.status)) return false;
  const indexes = indexesOf(record.state, request.metadata).map(keys.index);
  const all = [keys.job(id), keys.expiries, keys.quarantine, ...indexes];
  return Number(await redis.eval(forgetScript, all.length, ...all, id, String(record.version))) > 0;
}
