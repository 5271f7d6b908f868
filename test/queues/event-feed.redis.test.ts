import { accept, openEventFeed, readEvents } from '@upshift/queues';
import type { EventFeed, FeedNews, JobNews } from '@upshift/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { question } from '../routing/example.ts';
import { anotherProcess, freshPipeline } from './bed.ts';
import { serversOf, until } from './setting.ts';
import type { TestPipeline } from './setting.ts';

let pipeline: TestPipeline;
let feed: EventFeed;

beforeEach(async () => {
  pipeline = await freshPipeline();
  feed = openEventFeed(pipeline);
});
afterEach(async () => {
  feed.close();
  for (const command of ['hmget', 'xread']) await allow(command, true);
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
  const heard: FeedNews[] = [];
  await feed.listen((news) => heard.push(news));
  const before = await refusals('hmget');
  await allow('hmget', false);
  const { id } = await accept(pipeline, question, null);
  await until(pipeline, async () => (await refusals('hmget')) > before);
  expect(heard).toEqual([]);
  await allow('hmget', true);
  await until(pipeline, async () => heard.length > 0);
  expect(heard).toMatchObject([{ job: id, lines: [{ event: 'job-accepted' }] }]);
});

test('who listens is told of events that were gone before they could be read', async () => {
  const heard: FeedNews[] = [];
  await feed.listen((news) => heard.push(news));
  await accept(pipeline, question, null);
  await until(pipeline, async () => heard.length === 1);
  const before = await refusals('xread');
  await allow('xread', false);
  // The read that was under way may still be answered with it.
  await accept(pipeline, question, null);
  await until(pipeline, async () => (await refusals('xread')) > before);
  const alreadyHeard = heard.length;
  const ids: string[] = [];
  for (let count = 0; count < 300; count += 1) ids.push((await accept(pipeline, question, null)).id);
  await pipeline.redis.xtrim(pipeline.keys.events, 'MAXLEN', '=', 250);
  await allow('xread', true);
  await until(pipeline, async () => heard.length > alreadyHeard + 250);
  const { streamId } = heard[alreadyHeard - 1] as JobNews;
  expect(heard[alreadyHeard]).toEqual({ missedAfter: streamId });
  expect(heard.slice(alreadyHeard + 1)).toMatchObject(ids.slice(-250).map((job) => ({ job })));
});

test('who begins to listen while a cell is slow to answer is told a place behind which it misses nothing', async () => {
  const slow = await anotherProcess({ cells: 2 });
  const cells = [pipeline.first, (await slow.all())[1]!];
  const other = openEventFeed({ ...pipeline, all: () => Promise.resolve(cells) });
  const first: FeedNews[] = [];
  await other.listen((news) => first.push(news));
  const blocked = slow.redis.blpop('{upshift-1}:go', 0);
  const heard: FeedNews[] = [];
  const listening = other.listen((news) => heard.push(news));
  await accept(pipeline, question, null);
  await until(pipeline, async () => first.length === 1);
  await pipeline.redis.lpush('{upshift-1}:go', 'on');
  await blocked;
  const { from } = await listening;
  await accept(pipeline, question, null);
  await until(pipeline, async () => first.length === 2);
  const { events } = await readEvents(pipeline.first, from[0]!, 10);
  expect(heard).toEqual(events);
  other.close();
});

test('a feed that is closed while somebody listens says of no failure', async () => {
  const sayFailure = vi.fn<TestPipeline['sayFailure']>();
  const closing = openEventFeed({ ...pipeline, sayFailure });
  await closing.listen(() => undefined);
  closing.close();
  await pipeline.redis.ping();
  expect(sayFailure).not.toHaveBeenCalled();
});
