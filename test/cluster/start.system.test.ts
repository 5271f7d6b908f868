import { closeCells } from '@upshift/queues';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openTestCells } from '../queues/setting.ts';
import { startRedisCluster } from './redis-cluster.ts';
import type { RedisCluster } from './redis-cluster.ts';

/** Of no key of these tests. */
const SOME_SLOT = 1;

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(() => cluster?.stop());

/** How often nodes were asked for the state of the cluster: new clients do, and go on only where it is whole. */
async function timesAsked(): Promise<number> {
  const stats = await Promise.all(cluster.nodes.map(({ redis }) => redis.info('commandstats')));
  return stats.reduce((sum, text) => sum + Number(/cmdstat_cluster\|info:calls=(\d+)/.exec(text)?.[1] ?? 0), 0);
}

test('a process that starts while a cluster is not whole goes on when it is', async () => {
  const owner = await cluster.ownerOfSlot(SOME_SLOT);
  for (const { redis } of cluster.nodes) await redis.cluster('DELSLOTS', SOME_SLOT);
  const before = await timesAsked();
  const opening = openTestCells(cluster.url);
  while ((await timesAsked()) === before);
  await owner.redis.cluster('ADDSLOTS', SOME_SLOT);
  const cells = await opening;
  expect(await cells.redis.get('x')).toBe(null);
  await closeCells(cells);
});
