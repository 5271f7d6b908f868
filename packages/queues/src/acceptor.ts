import type { Redis } from 'ioredis';

import { defineAcceptance } from './acceptance-script.ts';
import type { NewJob, Refusal } from './acceptance-script.ts';
import type { CellKeys } from './names.ts';

/** Writes new jobs; says for each, in their order, why it was refused or could not be written, or null. */
export type Acceptor = (jobs: NewJob[]) => Promise<(Refusal | Error | null)[]>;

/** Jobs in one call of the script: more would keep Redis from all others for some milliseconds. */
const LARGEST_BATCH = 128;
/** Characters of their requests, which may be long. */
const MOST_CHARACTERS = 1_000_000;

/** All that is to be accepted in the same turn of the event loop goes in one call: see the writer, which does so with steps. */
export function createAcceptor(redis: Redis, keys: CellKeys): Acceptor {
  const send = defineAcceptance(redis, keys);
  let waiting: { jobs: NewJob[]; resolve: (replies: (Refusal | Error | null)[]) => void }[] = [];

  async function flush(): Promise<void> {
    const all = waiting;
    waiting = [];
    const batches = batchesOf(all.flatMap(({ jobs }) => jobs));
    const replies = (await Promise.all(batches.map(sendBatch))).flat();
    let answered = 0;
    for (const { jobs, resolve } of all) resolve(replies.slice(answered, (answered += jobs.length)));
  }

  async function sendBatch(jobs: NewJob[]): Promise<(Refusal | Error | null)[]> {
    try {
      return await send(jobs);
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      return jobs.map(() => failure);
    }
  }

  return async (jobs) => {
    if (jobs.length === 0) return [];
    return new Promise((resolve) => {
      if (waiting.push({ jobs, resolve }) === 1) setImmediate(() => void flush());
    });
  };
}

function batchesOf(jobs: NewJob[]): NewJob[][] {
  const batches: NewJob[][] = [];
  let batch: NewJob[] = [];
  let characters = 0;
  for (const job of jobs) {
    if (batch.length === LARGEST_BATCH || characters > MOST_CHARACTERS) [batch, characters] = [[], 0];
    if (batch.push(job) === 1) batches.push(batch);
    characters += job.request.length;
  }
  return batches;
}
