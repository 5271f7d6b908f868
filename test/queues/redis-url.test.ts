import { expect, test } from 'vitest';

import { severalNodes } from '../../packages/queues/src/redis-url.ts';

test('the nodes of a cluster and the sentinels of a master are read, with ports, access and TLS', () => {
  expect(severalNodes('redis+cluster://a:7001,b')).toEqual({
    nodes: [
      { host: 'a', port: 7001 },
      { host: 'b', port: 6379 },
    ],
    name: null,
    access: {},
  });
  expect(severalNodes('rediss+sentinel://me:p%40ss@a:1,b/mymaster')).toEqual({
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 26_379 },
    ],
    name: 'mymaster',
    access: { tls: {}, username: 'me', password: 'p@ss' },
  });
});

test('one server is none of several', () => {
  for (const url of ['redis://a:6379', 'rediss://a', 'unix:///tmp/redis.sock']) expect(severalNodes(url)).toBeNull();
});

test('what is missing or no node is named', () => {
  expect(() => severalNodes('redis+sentinel://a:26379')).toThrow('no master');
  expect(() => severalNodes('redis+cluster://a:port')).toThrow('the node a:port');
});
