import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { expect, test } from 'vitest';

const require = createRequire(join(import.meta.dirname, '../../packages/queues/src/index.ts'));

const recheck =
  'BullMQ has changed. packages/queues/src/transition-script.ts and take-script.ts add, take and finish entries in its layout: read the ' +
  'difference of these scripts; check that addDelayedJob and moveToActive still export { content, keys }, take KEYS and ARGV as before ' +
  'and return without closing over anything; that Job.addJob still calls runCommand(name, args); run bullmq-conformance.redis.test.ts ' +
  'and queue-line.redis.test.ts; then pin the new version here.';

test('BullMQ is the version for which the composed scripts were checked', () => {
  expect({ version: (require('bullmq/package.json') as { version: string }).version, recheck }).toEqual({
    version: '6.7.0',
    recheck,
  });
});

test.each([
  ['addStandardJob-9', '14f76771f7ff5f4233662893550a196585cd7c2a862d8370fe4ff63fab2834a1'],
  ['addPrioritizedJob-9', '1bf32d8a9c8d9c08f5ec1935a6bee25fce6b87493dd6503c90fc7163798e321b'],
  ['moveToActive-11', '690e6c5f3e786ddf5c4d536e3339b946f3ab335397953f8ccf6be875bbec8832'],
  ['moveToFinished-14', '2640504bbf676a7408a3d54330522cba155ad87919ee5c0325a9a341ba43c7c3'],
  ['moveStalledJobsToWait-9', 'e37307f7de08a93e53dc00203d5c88faebc14b9a2eb0f27dd08213c9a1a2ffed'],
  ['extendLocks-1', 'adb9b90538293624f0a54b0588f71ad30eae52fadbd96e4c6c9935bb4159536f'],
  ['addDelayedJob-6', 'fae62ddc3febbc4fee74acb9b8bd06c08d3e8b9b20a851da87c1d5ea0499e6ad'],
])('the script %s is the one that was checked', (name, hash) => {
  const script = readFileSync(require.resolve(`bullmq/dist/cjs/scripts/${name}.js`));
  expect({ hash: createHash('sha256').update(script).digest('hex'), recheck }).toEqual({ hash, recheck });
});
