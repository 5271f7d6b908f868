import { expect, test } from 'vitest';

import { UnfitRedisError } from '@upshift/queues';
import { createLogger } from '@upshift/runtime';

import { connect, reach } from '../../packages/queues/src/connection.ts';
import { severalNodes } from '../../packages/queues/src/redis-url.ts';

test('the nodes of a cluster and the sentinels of a master are read, with ports, access and TLS', () => {
  expect(severalNodes('redis+cluster://a:7001,b')).toEqual({
    nodes: [
      { host: 'a', port: 7001 },
      { host: 'b', port: 6379 },
    ],
    name: null,
    access: {},
    sentinelAccess: {},
  });
  expect(severalNodes('rediss+sentinel://me:p%40ss@a:1,b/mymaster?sentinel_username=watch&sentinel_password=x+%2Fy')).toEqual({
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
    ],
    name: 'mymaster',
    access: { tls: {}, username: 'me', password: 'p@ss' },
    sentinelAccess: { sentinelUsername: 'watch', sentinelPassword: 'x+/y' },
  });
});

test('a slash at the end changes nothing, and what is left out is named', () => {
  expect(severalNodes('rediss+cluster://a,b/')).toEqual(severalNodes('rediss+cluster://a,b'));
  expect(() => severalNodes('redis+sentinel://a/')).toThrow('REDIS_URL names sentinels but no master');
  expect(() => severalNodes('redis+cluster://')).toThrow('a node is host or host:port');
});

test('an address of IPv6 is a node too, without the brackets in which it stands', () => {
  expect(severalNodes('redis+cluster://[::1]:7001,[fe80::2]')?.nodes).toEqual([
    { host: '::1', port: 7001 },
    { host: 'fe80::2', port: 6379 },
  ]);
});

test('a password with signs of a URL in it is read whole, or nothing of it is told', async () => {
  expect(severalNodes('redis+cluster://me:p@ss/w@a:1')).toMatchObject({ nodes: [{ host: 'a' }], access: { password: 'p@ss/w' } });
  for (const url of [
    'redis+cluster://s3cret@a',
    'redis+cluster://:s3cret%zz@a',
    'redis://:s3cret/other@a',
    'redis://:s3cret%zz@a',
  ]) {
    const opening = (): unknown => connect(url, { failFast: true });
    expect(opening).toThrow(UnfitRedisError);
    expect(opening).toThrow(/^(?!.*s3cret)REDIS_URL can not be read/);
  }
});

test('a Redis that can not be reached is named without any piece of its password, and not waited for', async () => {
  const told: string[] = [];
  const logger = Object.assign(createLogger('test', 'silent'), { warn: (text: string) => void told.push(text) });
  for (const url of [
    'redis://me:s3@cret@127.0.0.1:1',
    'redis://127.0.0.1:1?password=s3cret',
    'redis+cluster://me:s3@cret@127.0.0.1:1',
  ]) {
    const redis = connect(url, { failFast: true });
    redis.on('error', () => undefined);
    const scheme = url.slice(0, url.indexOf('//') + 2);
    await expect(reach(redis, url, logger)).rejects.toThrow(`Redis at ${scheme}127.0.0.1:1 can not be reached`);
  }
  await new Promise(setImmediate);
  expect(told).toEqual([]);
});

test('one server is none of several', () => {
  for (const url of ['redis://a:6379', 'rediss://a', 'unix:///tmp/redis.sock']) expect(severalNodes(url)).toBeNull();
});

test('what is missing or no node is named', () => {
  expect(() => severalNodes('redis+sentinel://a:26379')).toThrow('no master');
  expect(() => severalNodes('redis+sentinel://a:26379/')).toThrow('no master');
  expect(() => severalNodes('redis+cluster://a:port')).toThrow('the node a:port');
  expect(() => severalNodes('redis+sentinel://a/master?password=x')).toThrow(
    'the parameter password, which is not known here; known: sentinel_username, sentinel_password',
  );
  expect(() => severalNodes('redis+cluster://a?sentinel_password=x')).toThrow('a cluster takes none');
  expect(() => severalNodes('redis+sentinel://a:1/master?sentinel_password=s3@cret/x')).toThrow('REDIS_URL can not be read');
});
