import type { JobView } from '@upshift/contracts';
import { accept, advance, closeCells, isRedisAway } from '@upshift/queues';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { connect } from '../../packages/queues/src/connection.ts';
import { onlyCellOf, openTestCells } from '../queues/setting.ts';
import { requestOf } from '../routing/example.ts';
import { hasEnded } from '../system/job-api.ts';
import { startFleet } from '../system/fleet.ts';
import type { Fleet } from '../system/fleet.ts';
import { startRedisCluster } from './redis-cluster.ts';
import type { RedisCluster } from './redis-cluster.ts';

let cluster: RedisCluster;
let fleet: Fleet;

beforeAll(async () => {
  cluster = await startRedisCluster();
  fleet = await startFleet({ environment: { REDIS_URL: cluster.url, UPSHIFT_CELLS: '4' } });
});
afterAll(async () => {
  await fleet?.close();
  await cluster?.stop();
});

const question = { input: { prompt: 'What is the capital of France?' } };

test('on a cluster of three a job is accepted, answered, listed and explained', async () => {
  const job = await fleet.api.run({ ...question, metadata: { on: 'cluster' } });
  expect(job.status).toBe('completed');
  expect((await fleet.api.trail(job.id)).at(-1)?.event).toBe('job-completed');
  const listed = (await fleet.api.send('/v1/jobs?metadata.on=cluster')).body as unknown as { data: JobView[] };
  expect(listed.data.map(({ id }) => id)).toEqual([job.id]);
  expect((await fleet.api.send('/v1/queues')).status).toBe(200);
});

test('a failed check moves a job up a tier, and a cancelled one stops, on a cluster too', async () => {
  const escalated = await fleet.api.run({ ...question, checks: [{ type: 'one_of', values: ['nothing that is answered'] }] });
  expect(escalated.escalations).toBeGreaterThan(0);
  fleet.sandbox.settings.change({ hold: true });
  const { body } = await fleet.api.post(question);
  await fleet.api.cancel(body.id);
  fleet.sandbox.settings.change({ hold: false });
  expect((await fleet.api.until(body.id, hasEnded)).status).toBe('cancelled');
});

test('what a worker writes waits until its slot has a node again, as it waits for one server; the API says that there is none', async () => {
  const { redis } = await cluster.ownerOf('{upshift-0}:open');
  const slot = await redis.cluster('KEYSLOT', '{upshift-0}:open');
  const [worker, intake] = [connect(cluster.url, { failFast: false }), connect(cluster.url, { failFast: true })];
  await Promise.all([worker.connect(), intake.connect()]);
  await redis.cluster('DELSLOTS', slot);
  const written = worker.set('{upshift-0}:open', 'by a worker');
  // Sent after the other, so that whatever gives up has given up by then.
  await expect(intake.set('{upshift-0}:open', 'by intake')).rejects.toThrow('Too many Cluster redirections');
  await expect(intake.multi().get('{upshift-0}:open').exec()).rejects.toSatisfy(isRedisAway);
  await redis.cluster('ADDSLOTS', slot);
  expect(await written).toBe('OK');
  worker.disconnect();
  intake.disconnect();
});

/** Accepts so many jobs, answered slowly enough that what follows happens in the middle of them: in all cells, by their keys. */
async function acceptMany(name: string, count: number): Promise<string[]> {
  fleet.sandbox.settings.change({ latency_ms: 40 });
  const rows = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ input: { prompt: `Question ${index}?` }, idempotency_key: `${name} ${index}` }),
  );
  const bulk = await fetch(`${fleet.url('intake')}/v1/jobs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-ndjson' },
    body: rows.join('\n'),
  });
  const ids = (await bulk.text())
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(new Set(ids).size).toBe(count);
  // On all nodes: the tags of four cells stand on three.
  expect(new Set(ids.map((id) => id.charAt('job_'.length))).size).toBe(4);
  expect(hasEnded(await fleet.api.job(ids.at(-1)!))).toBe(false);
  return ids;
}

async function expectAllToEndOnce(ids: string[]): Promise<void> {
  for (const id of ids) {
    expect((await fleet.api.until(id, hasEnded, 60_000)).status).toBe('completed');
    expect((await fleet.api.trail(id)).filter(({ event }) => event === 'job-completed')).toHaveLength(1);
  }
}

test('the slot of a cell moves to another node in the middle of a run: every job accepted ends once', async () => {
  const owner = await cluster.ownerOf('{upshift-0}:open');
  const other = cluster.nodes.find((node) => node !== owner)!;
  const ids = await acceptMany('moved', 300);
  await cluster.moveSlot('{upshift-0}:open', other);
  expect(await cluster.ownerOf('{upshift-0}:open')).toBe(other);
  await expectAllToEndOnce(ids);
});

test('while the slot of a cell moves nobody makes a key that both nodes would then have', async () => {
  const opened = onlyCellOf(await openTestCells(cluster.url, { failFast: true }));
  const pipeline = { ...opened, place: async () => ({ pipeline: opened, others: [], earlier: [], cells: 1 }) };
  const { id } = await accept(pipeline, requestOf(question), null);
  const owner = await cluster.ownerOf(pipeline.keys.events);
  const other = cluster.nodes.find((node) => node !== owner)!;
  await cluster.beginMove(pipeline.keys.events, other, [
    pipeline.keys.events,
    ...(await owner.redis.keys(`${pipeline.keys.prefix}:stats:*`)),
  ]);
  await expect(accept(pipeline, requestOf(question), null)).rejects.toSatisfy(isRedisAway);
  await expect(advance(pipeline, id, { type: 'cancelled' })).rejects.toSatisfy(isRedisAway);
  await cluster.moveSlot(pipeline.keys.events, other);
  expect((await advance(pipeline, id, { type: 'cancelled' }))?.job.status).toBe('cancelled');
  await closeCells(pipeline);
});

test('the node of a cell is killed and comes back in the middle of a run: every job accepted ends once', async () => {
  const ids = await acceptMany('killed', 300);
  await cluster.restart(await cluster.ownerOf('{upshift-0}:open'));
  await expectAllToEndOnce(ids);
});
