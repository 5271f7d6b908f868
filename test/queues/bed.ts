import { closeCells } from '@upshift/queues';
import type { Cells } from '@upshift/queues';
import { inject, onTestFinished } from 'vitest';

import { flushAll, onlyCellOf, openTestCells } from './setting.ts';
import type { OpenOptions, TestPipeline } from './setting.ts';

const opened: Cells[] = [];

/** The cells of one more process on the Redis of this run, closed when the test has ended. */
export async function anotherProcess(options: Partial<OpenOptions> = {}): Promise<Cells> {
  const cells = await openTestCells(inject('redisUrl'), options);
  if (opened.length === 0) onTestFinished(closeOpened);
  opened.push(cells);
  return cells;
}

/** The same, of which the only cell is looked at. */
export async function anotherPipeline(config?: OpenOptions['config']): Promise<TestPipeline> {
  return onlyCellOf(await anotherProcess(config && { config }));
}

/** The same on an empty Redis. */
export async function freshPipeline(config?: OpenOptions['config']): Promise<TestPipeline> {
  await emptyRedis();
  return anotherPipeline(config);
}

/** Before a process opens what it is to find: each remembers what it has stored there. */
export async function emptyRedis(): Promise<void> {
  const cleaner = await openTestCells(inject('redisUrl'));
  await flushAll(cleaner);
  await closeCells(cleaner);
}

/** Of a test that goes on without them. */
export async function closeOpened(): Promise<void> {
  await Promise.all(opened.splice(0).map(closeCells));
}
