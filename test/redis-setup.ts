import { tmpdir } from 'node:os';
import type { TestProject } from 'vitest/node';
import { startLocalRedis } from '../services/cli/src/local-redis.ts';
import { startRedisContainer } from './redis-container.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Redis of this test run, `unix:///path` or `redis://host:port`: `inject('redisUrl')`. Test files share it one after the other. */
    redisUrl: string;
  }
}

/** Gives the tests of a project one disposable Redis, in a container where there can be one, or the one that REDIS_URL names. */
export default async function setUpRedis(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.REDIS_URL;
  if (given !== undefined && given !== '') {
    project.provide('redisUrl', given);
    return undefined;
  }
  const redis = (await startRedisContainer(say)) ?? (await startLocalRedis({ directory: tmpdir(), disposable: true, say }));
  project.provide('redisUrl', redis.url);
  return () => redis.stop();
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
