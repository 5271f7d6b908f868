import { accept, openEventFeed } from '@upshift/queues';
import type { EventFeed, FeedEvent } from '@upshift/queues';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { question } from '../routing/example.ts';
import { closeAll, flushAll, openTestPipeline, serversOf, until } from './setting.ts';
import type { TestPipeline } from './setting.ts';

const opened: TestPipeline[] = [];
let pipeline: TestPipeline;
let feed: EventFeed;

beforeEach(async () => {
  pipeline = await openTestPipeline(inject('redisUrl'));
  opened.push(pipeline);
  await flushAll(pipeline);
  feed = openEventFeed(pipeline);
});
afterEach(async () => {
  feed.close();
  await allow('hmget', true);
  await closeAll(opened);
});

/** On every server: whether a command is allowed to those who name no user. */
async function allow(command: string, allowed: boolean): Promise<void> {
  for (const server of serversOf(pipeline.redis)) await server.acl('SETUSER', 'default', `${allowed ? '+' : '-'}${command}`);
}

/** How often a server refused a command so far, over all servers. */
async function refusals(command: string): Promise<number> {
  const infos = await Promise.all(serversOf(pipeline.redis).map((server) => server.info('commandstats')));
  const counts = infos.map((info) => new RegExp(`cmdstat_${command}:.*rejected_calls=(\\d+)`).exec(info)?.[1] ?? 0);
  return counts.reduce<number>((sum, count) => sum + Number(count), 0);
}

test('an event whose lines Redis did not say at first is heard all the same', async () => {
  const heard: FeedEvent[] = [];
  await feed.listen((event) => heard.push(event));
  const before = await refusals('hmget');
  await allow('hmget', false);
  const { id } = await accept(pipeline, question, null);
  await until(pipeline, async () => (await refusals('hmget')) > before);
  expect(heard).toEqual([]);
  await allow('hmget', true);
  await until(pipeline, async () => heard.length > 0);
  expect(heard).toMatchObject([{ job: id, lines: [{ event: 'job-accepted' }] }]);
});
