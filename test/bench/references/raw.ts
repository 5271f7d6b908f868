import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { Queue, QueueEvents } from 'bullmq';
import { Redis } from 'ioredis';

import { body } from '../prompts.ts';
import type { BenchRedis } from '../system.ts';

/** Adds in flight at once: above this BullMQ gains nothing. */
const ADDS = 100;

/** Raw BullMQ over one queue: adds from here, one no-op worker in a process of its own, finished entries removed. */
export interface Raw {
  /** Adds, processes and removes `count` entries; the seconds it took. */
  run(count: number): Promise<number>;
  /** Adds without a worker at work. */
  add(count: number): Promise<void>;
  /** One entry from its add to the word that it is done, in ms. */
  hop: () => Promise<number>;
  stop(): Promise<void>;
}

export async function startRaw(server: BenchRedis, { worker = true, events = false } = {}): Promise<Raw> {
  const connection = connect(server.url);
  const queue = new Queue('raw', { connection, prefix: '{bench}' });
  const child = worker
    ? fork(fileURLToPath(new URL('raw-worker.ts', import.meta.url)), [server.url], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
    : null;
  if (child) await once(child, 'message');
  const ends = events ? new QueueEvents('raw', { connection: connect(server.url), prefix: '{bench}' }) : null;
  await ends?.waitUntilReady();
  const add = async (count: number): Promise<void> => {
    let next = 0;
    const one = async (): Promise<void> => {
      for (let index = next++; index < count; index = next++) await queue.add('job', body(index), { removeOnComplete: true });
    };
    await Promise.all(Array.from({ length: ADDS }, one));
  };
  return {
    add,
    async run(count) {
      const startedAt = performance.now();
      await add(count);
      while ((await queue.getJobCountByTypes('waiting', 'active')) > 0);
      return (performance.now() - startedAt) / 1000;
    },
    async hop() {
      if (ends === null) throw new Error('start it with events');
      const startedAt = performance.now();
      const job = await queue.add('job', body(0), { removeOnComplete: { count: 100 } });
      await job.waitUntilFinished(ends);
      return performance.now() - startedAt;
    },
    async stop() {
      await ends?.close();
      await queue.obliterate({ force: true });
      await queue.close();
      connection.disconnect();
      if (child && child.exitCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}

function connect(url: string): Redis {
  const options = { maxRetriesPerRequest: null };
  return url.startsWith('unix://') ? new Redis({ ...options, path: url.slice('unix://'.length) }) : new Redis(url, options);
}
