import type { TestProject } from 'vitest/node';

import { startRedisCluster } from './redis-cluster.ts';

/** Gives the tests of a project a cluster in the place of the one server that `redis-setup.ts` gives others. */
export default async function setUpCluster(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startRedisCluster();
  project.provide('redisUrl', cluster.url);
  return () => cluster.stop();
}
