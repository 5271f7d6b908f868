import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { accept, advance, readJob, readTrail } from '@upshift/queues';
import { expect, inject, test } from 'vitest';

import { question } from '../routing/example.ts';
import { walk } from './crash-walk.ts';
import { freshPipeline } from './bed.ts';
import { stateOf } from './setting.ts';

/** Whether the process died on the way. Throws where it ended in another way than it should. */
async function diesBefore(command: number, id: string): Promise<boolean> {
  const child = fork(join(import.meta.dirname, 'crash-child.ts'), [inject('redisUrl'), id, String(command)], {
    stdio: 'inherit',
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the process ended with ${code ?? signal}`);
  return signal === 'SIGKILL';
}

test(
  'a process may die before any of its commands: the next one finishes the job, once, and no call is forgotten',
  // Two dozen processes start and die, one after the other.
  { timeout: 240_000 },
  async () => {
    const pipeline = await freshPipeline();
    let died = true;
    let deaths = 0;
    for (let command = 0; died; command += 1) {
      const { id } = await accept(pipeline, question, null);
      died = await diesBefore(command, id);
      if (died) deaths += 1;
      await walk({
        read: () => readJob(pipeline, id),
        move: (event, fields) => advance(pipeline, id, event, fields),
        called: () => pipeline.redis.incr(`called:${id}`),
      });
      const job = await stateOf(pipeline, id);
      const events = (await readTrail(pipeline, id)).map(({ event }) => event);
      const calls = Number(await pipeline.redis.get(`called:${id}`));
      const billed = job.attempts.filter(({ state }) => state === 'settled' || state === 'unknown').length;
      expect(job.status).toBe('completed');
      expect(events.filter((event) => event === 'job-completed')).toHaveLength(1);
      expect(events.filter((event) => event === 'attempt-sent')).toHaveLength(job.attempts.length);
      expect(calls, `died before command ${command}`).toBeLessThanOrEqual(billed);
      expect(calls).toBeGreaterThanOrEqual(billed - 1);
      expect(await pipeline.redis.hget(`{upshift-0}:job:${id}`, `answer:${job.finalAttempt}`)).toBe(`answer ${job.finalAttempt}`);
    }
    expect(deaths).toBeGreaterThan(10);
  },
);
