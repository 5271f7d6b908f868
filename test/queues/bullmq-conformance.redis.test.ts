import { accept, advance, queueOf } from '@upshift/queues';
import { Queue } from 'bullmq';
import { expect, test } from 'vitest';

import { failed, LOW, question, sent } from '../routing/example.ts';
import { freshPipeline } from './bed.ts';
import { flushAll, keysLike, simple } from './setting.ts';
import type { TestPipeline } from './setting.ts';

/** BullMQ writes options in the order of their keys, which a copy does not keep, and repeats the id that is the key of the hash. */
function entryIn(hash: Record<string, string>): Record<string, unknown> {
  const { jobId: _jobId, ...options } = JSON.parse(hash['opts'] ?? '') as Record<string, unknown>;
  return { ...hash, opts: options, timestamp: 'now' };
}

/** What nobody reads and the transition script leaves out: events for listeners, the counter of ids, settings of a `Queue`. */
const LEFT_OUT = ['events', 'id', 'meta'];

/** All other keys of a queue as plain values, without what differs from run to run: times, and scores made of them. */
async function contentsOf({ redis }: TestPipeline, queue: string, id: string): Promise<Record<string, unknown>> {
  const prefix = `{upshift-0}:${queue}:`;
  const names = (await keysLike(redis, `${prefix}*`)).filter((name) => !LEFT_OUT.includes(name.slice(prefix.length)));
  const read: Record<string, (name: string) => Promise<unknown>> = {
    hash: async (name) => (name.endsWith(id) ? entryIn(await redis.hgetall(name)) : redis.hgetall(name)),
    list: (name) => redis.lrange(name, 0, -1),
    zset: (name) => redis.zrange(name, '0', '-1'),
    string: (name) => redis.get(name),
  };
  const values = await Promise.all(names.map(async (name) => [name, await read[await redis.type(name)]!(name)] as const));
  return Object.fromEntries(values) as Record<string, unknown>;
}

type Case = [kind: string, script: 'acceptance' | 'transition', priority: 'high' | 'normal' | 'low', delayed: boolean];

test.each<Case>([
  ['standard', 'acceptance', 'high', false],
  ['prioritized', 'acceptance', 'low', false],
  ['standard', 'transition', 'high', false],
  ['prioritized', 'transition', 'low', false],
  ['delayed', 'transition', 'high', true],
  ['delayed and prioritized', 'transition', 'normal', true],
])('a %s entry of the %s script is equal to one of queue.add', async (_, script, priority, delayed) => {
  const pipeline = await freshPipeline();
  const { id } = await accept(pipeline, { ...question, priority }, null);
  await advance(pipeline, id, simple);
  await advance(pipeline, id, sent(1));
  const name = script === 'transition' ? `tier.economy.${LOW.replace('/', '~2F')}` : 'classify';
  if (delayed) {
    await queueOf(pipeline, name).remove(`${id}.1.call-1.2`);
    await pipeline.redis.del(
      `{upshift-0}:${name}:events`,
      `{upshift-0}:${name}:id`,
      `{upshift-0}:${name}:pc`,
      `{upshift-0}:${name}:marker`,
    );
    await advance(pipeline, id, failed(1, 'rate_limited', { retryAfterMs: 20_000 }));
  }
  const entryId = `${id}.1.${script === 'acceptance' ? 'classify.1' : delayed ? 'call-1.3' : 'call-1.2'}`;
  const ours = await contentsOf(pipeline, name, entryId);
  const entry = await queueOf(pipeline, name).getJob(entryId);

  await flushAll(pipeline);
  const queue = new Queue(name, { connection: pipeline.redis, prefix: '{upshift-0}', streams: { events: { maxLen: 500 } } });
  await queue.waitUntilReady();
  await queue.add(entry!.name, entry!.data, { ...entry!.opts, jobId: entryId });
  const theirs = await contentsOf(pipeline, name, entryId);
  await queue.close();
  expect(ours).toEqual(theirs);
});
