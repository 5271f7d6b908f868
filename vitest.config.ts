import { configDefaults, defineConfig } from 'vitest/config';

const needsRedis = '**/*.redis.test.ts';
const needsEverything = ['**/*.system.test.ts', 'test/chaos/**'];
/** `npm start` and the replay bring a Redis of their own; the tests of test/cluster start their cluster themselves. */
const ofOneMachine = ['test/system/up.system.test.ts', 'test/replay/replay.system.test.ts', 'test/cluster/*.system.test.ts'];
const exclude = [...configDefaults.exclude, '**/.upshift/**'];

/** The redis and the system tests once more: on a cluster of three nodes, with jobs in several cells. For `npm run test:cluster`. */
const onCluster = {
  test: {
    name: 'cluster',
    include: ['test/**/*.redis.test.ts', 'test/**/*.system.test.ts'],
    exclude: [...exclude, ...ofOneMachine],
    globalSetup: './test/cluster/cluster-setup.ts',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    sequence: { groupOrder: 4 },
  },
};

export default defineConfig({
  test: {
    projects: [
      ...(process.env.UPSHIFT_TEST_CLUSTER === 'true' ? [onCluster] : []),
      {
        test: {
          name: 'unit',
          include: ['{packages,services,test,scripts}/**/*.test.ts'],
          exclude: [...exclude, needsRedis, ...needsEverything],
          // Those that start processes take their time on a busy machine.
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'redis',
          include: [needsRedis],
          exclude,
          globalSetup: './test/redis-setup.ts',
          // The files share one server; one at a time, each may flush it.
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.system.test.ts'],
          exclude,
          globalSetup: './test/redis-setup.ts',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          exclude,
          globalSetup: './test/redis-setup.ts',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
