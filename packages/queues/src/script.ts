import type { Redis } from 'ioredis';

type Script<Reply> = (...keysAndArguments: (string | number | Buffer)[]) => Promise<Reply>;

/**
 * A script as a command of a connection: sent once, then called by its hash.
 *
 * @param numberOfKeys null where it differs from call to call: it then comes before the keys
 */
export function scriptOf<Reply>(redis: Redis, name: string, lua: string, numberOfKeys: number | null): Script<Reply> {
  if (!(name in redis)) redis.defineCommand(name, numberOfKeys === null ? { lua } : { lua, numberOfKeys });
  return (redis as unknown as Record<string, Script<Reply>>)[name]!.bind(redis);
}
