import type { Cells } from './cells/cells.ts';
import { readJob } from './job-store.ts';
import type { JobRecord } from './job-store.ts';
import type { Pipeline } from './pipeline.ts';
import { withScores } from './with-scores.ts';

/** Most that are listed: more is no list for people, and says that something else is wrong. */
const LISTED = 1000;

/** Puts a job on the list before it ends, so that no crash between the two leaves it out. */
export async function quarantine({ redis, keys }: Pipeline, id: string): Promise<void> {
  await redis.zadd(keys.quarantine, 'NX', Date.now(), id);
}

interface Quarantined {
  id: string;
  /** When it crashed the worker, in ms since the epoch. */
  at: number;
  record: JobRecord;
}

/** The jobs that crashed a worker in which they ran alone, the first ones first. Those that are forgotten leave the list. */
export async function listQuarantined(cells: Cells): Promise<Quarantined[]> {
  const found = await Promise.all((await cells.all()).map(listOfCell));
  return found.flat().toSorted((one, other) => one.at - other.at);
}

async function listOfCell(pipeline: Pipeline): Promise<Quarantined[]> {
  const found = await pipeline.redis.zrange(pipeline.keys.quarantine, 0, String(LISTED - 1), 'WITHSCORES');
  const entries = withScores(found).map(([id, at]) => ({ id, at }));
  const records = await Promise.all(entries.map(({ id }) => readJob(pipeline, id)));
  const gone = entries.filter((_, index) => records[index] === null).map(({ id }) => id);
  if (gone.length > 0) await pipeline.redis.zrem(pipeline.keys.quarantine, ...gone);
  return entries.flatMap((entry, index) => {
    const record = records[index];
    return record ? [{ ...entry, record }] : [];
  });
}

/** Takes a job off the list. False where it is not on it. */
export async function leaveQuarantine({ redis, keys }: Pipeline, id: string): Promise<boolean> {
  return (await redis.zrem(keys.quarantine, id)) > 0;
}

/** Notes that a job is begun alone, and how many crashes it had seen by then. */
export async function markAlone({ redis, keys }: Pipeline, id: string, crashes: number): Promise<void> {
  // Not for a job that is gone: the mark alone would be a record.
  await redis.eval(
    `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'alone', ARGV[1]) end`,
    1,
    keys.job(id),
    crashes,
  );
}
