import { getCACertificates, setDefaultCACertificates } from 'node:tls';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { connect } from '../../packages/queues/src/connection.ts';
import { startFleet } from '../system/fleet.ts';
import type { Fleet } from '../system/fleet.ts';
import { hasEnded } from '../system/job-api.ts';
import { makeCertificate } from './certificate.ts';
import { startWatchedRedis } from './redis-sentinel.ts';
import type { WatchedRedis } from './redis-sentinel.ts';

let watched: WatchedRedis;
let fleet: Fleet;

const certificate = await makeCertificate();

beforeAll(async () => {
  watched = await startWatchedRedis();
  fleet = await startFleet({ environment: { REDIS_URL: watched.url } });
});
afterAll(async () => {
  await fleet?.close();
  await watched?.stop();
  await certificate?.remove();
});

const question = { input: { prompt: 'What is the capital of France?' } };

test('the sentinels replace a master that was killed in the middle of a run: every job accepted ends once, and new ones are taken', async () => {
  fleet.sandbox.settings.change({ hold: true });
  const accepted = await Promise.all(Array.from({ length: 40 }, () => fleet.api.post(question)));
  expect(accepted.map(({ status }) => status)).toEqual(Array(40).fill(202));
  await vi.waitFor(() => expect(fleet.sandbox.inFlight()).toBeGreaterThan(0), { timeout: 10_000 });
  // What the master has not handed on is lost with it: that is how Redis replicates.
  await watched.caughtUp();
  await watched.killMaster();
  fleet.sandbox.settings.change({ hold: false });
  await vi.waitFor(async () => expect((await fetch(`${fleet.url('intake')}/readyz`)).status).toBe(200), { timeout: 15_000 });
  for (const { body } of accepted) {
    expect((await fleet.api.until(body.id, hasEnded, 60_000)).status).toBe('completed');
    expect((await fleet.api.trail(body.id)).filter(({ event }) => event === 'job-completed')).toHaveLength(1);
  }
  expect((await fleet.api.run(question)).status).toBe('completed');
});

test.runIf(certificate !== null)(
  'rediss+sentinel:// speaks TLS with the sentinels and with the master',
  { timeout: 30_000 },
  async () => {
    setDefaultCACertificates([...getCACertificates(), certificate!.text]);
    const secured = await startWatchedRedis(certificate);
    const redis = connect(secured.url, { failFast: true });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
      // None of them listens without TLS.
      expect(await redis.ping()).toBe('PONG');
    } finally {
      redis.disconnect();
      await secured.stop();
    }
  },
);
