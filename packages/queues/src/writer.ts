import type { Redis } from 'ioredis';

import type { CellKeys } from './names.ts';
import { defineTransitions } from './transition-script.ts';
import type { HeldEntry, Request, Transition, TransitionReply } from './transition.ts';

/** Sends what is asked of it in the same turn of the event loop as one call of the script: a call costs more than a step. */
export interface Writer {
  write(transition: Transition): Promise<TransitionReply>;
  /** Takes an entry off its queue about which nothing else is to be written. */
  finish(held: HeldEntry): Promise<void>;
}

/** Steps in one call: more would keep Redis from all others for some milliseconds. */
const LARGEST_BATCH = 64;

interface Waiting {
  request: Request;
  resolve: (reply: TransitionReply) => void;
  reject: (error: unknown) => void;
}

/** @param labelsKept labels of answers that the cell keeps; 0 for none */
export function createWriter(redis: Redis, keys: CellKeys, labelsKept: number): Writer {
  const send = defineTransitions(redis, keys);
  let waiting: Waiting[] = [];
  let scheduled = false;

  const ask = (request: Request): Promise<TransitionReply> =>
    new Promise((resolve, reject) => {
      waiting.push({ request, resolve, reject });
      if (scheduled) return;
      scheduled = true;
      // At the end of the turn and never on a timer: a job that is alone does not wait for others.
      setImmediate(flush);
    });

  function flush(): void {
    const all = waiting;
    waiting = [];
    scheduled = false;
    for (let from = 0; from < all.length; from += LARGEST_BATCH) void sendBatch(all.slice(from, from + LARGEST_BATCH));
  }

  async function sendBatch(batch: Waiting[]): Promise<void> {
    try {
      const replies = await send(
        batch.map(({ request }) => request),
        Date.now(),
        labelsKept,
      );
      batch.forEach(({ resolve, reject }, position) => {
        const reply = replies[position] ?? ['error', 'no reply'];
        if (reply[0] === 'error') reject(new Error(reply[1]));
        else resolve(reply);
      });
    } catch (error) {
      // Some may have been written: whoever asks again does so on the record as it is then.
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    write: (transition) => ask({ transition }),
    finish: async (held) => void (await ask({ finish: held })),
  };
}
