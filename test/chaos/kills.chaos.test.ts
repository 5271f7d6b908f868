import { setTimeout as pause } from 'node:timers/promises';

import type { JobRequestBody, JobView } from '@upshift/contracts';
import { draw } from '@upshift/routing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startFleet } from '../system/fleet.ts';
import type { Fleet, ProgramName } from '../system/fleet.ts';
import { hasEnded } from '../system/job-api.ts';
import { ended, inLanes, report, submit, whole } from './storm.ts';
import type { EndedJob } from './storm.ts';

const JOBS = whole ? 2000 : 400;
const KILLS = whole ? 20 : 6;
const KILL_EVERY_MS = 1000;
const CALL_MS = 200;
/** What a program may do between an answer and its record: a call that ended so long before the kill counts as in flight. */
const SETTLED_WITHIN_MS = 300;

const targets: ProgramName[] = ['worker-economy', 'worker-standard', 'worker-economy', 'classifier', 'scorer', 'intake'];
const tasks = ['classification', 'summarization', 'classification', 'translation', 'code_generation'];

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({ environment: { LOG_LEVEL: 'warn' } });
  fleet.sandbox.settings.change({ latency_ms: CALL_MS });
});

afterAll(() => fleet?.close());

function bodyOf(index: number): JobRequestBody {
  return { input: { prompt: `Storm ${index}.` }, task: tasks[index % tasks.length] ?? null };
}

/** Kills a program each second until the work is done. Gives how many calls were in flight in those that were killed. */
async function killAtRandom(done: AbortSignal): Promise<{ kills: number; inFlight: number }> {
  let [kills, inFlight] = [0, 0];
  for (; kills < KILLS && !done.aborted; kills += 1) {
    const next = pause(KILL_EVERY_MS);
    const name = targets[Math.floor(draw(0.5, kills) * targets.length)] ?? 'intake';
    inFlight += callsOf(name);
    await fleet.kill(name);
    await fleet.start(name);
    await next;
  }
  return { kills, inFlight };
}

function callsOf(name: ProgramName): number {
  const { models } = fleet.config();
  const since = Date.now() - CALL_MS - SETTLED_WITHIN_MS;
  return fleet.sandbox.ledger.generations.filter(
    ({ model, at }) => `worker-${models[model]?.tier}` === name && Date.parse(at) >= since,
  ).length;
}

const is =
  (name: string) =>
  ({ event }: { event: string }): boolean =>
    event === name;

/** What a client is given of each job that ends before `until` settles, at the first look after its end. While intake is away it tells nothing. */
async function givenBefore(until: Promise<unknown>, ids: string[]): Promise<Map<string, string>> {
  const early = new Map<string, string>();
  let isOver = false;
  void until.finally(() => (isOver = true));
  const look = async (id: string): Promise<void> => {
    const job = isOver ? null : await fleet.api.job(id).catch(() => null);
    if (job !== null && hasEnded(job)) early.set(id, given(job));
  };
  while (!isOver) {
    const open = ids.filter((id) => !early.has(id));
    await inLanes(open.length, 8, (index) => look(open[index]!));
    await pause(100);
  }
  return early;
}

/** What a client has been given, which must not become anything else. */
function given({ status, result, completed_at: at }: JobView): string {
  return JSON.stringify([status, result, at]);
}

/** Calls whose answer nobody has recorded: paid, and asked again. */
function lostCalls({ trail }: EndedJob): number {
  return trail.filter(({ event, error }) => event === 'attempt-failed' && error === 'outcome_unknown').length;
}

test(
  'programs are killed at random each second: no job is lost, none ends twice, and only calls in flight are paid twice',
  { timeout: 300_000 },
  async () => {
    const done = new AbortController();
    const killed = killAtRandom(done.signal);
    const accepted = await inLanes(JOBS, 32, (index) => submit(fleet, bodyOf(index), `storm ${index}`));
    const ids = accepted.map(({ id }) => id);
    const early = await givenBefore(killed, ids);
    const { kills, inFlight } = await killed;
    const jobs = await ended(fleet, ids);
    const inTheEnd = new Map(jobs.map(({ job }) => [job.id, given(job)]));

    const figures = {
      jobs: JOBS,
      kills,
      lost: JOBS - new Set(jobs.map(({ job }) => job.id)).size,
      not_completed: jobs.filter(({ job }) => job.status !== 'completed').length,
      ended_twice: jobs.filter(({ trail }) => trail.filter(is('job-completed')).length !== 1).length,
      ended_before_the_last_kill: early.size,
      overwritten: [...early].filter(([id, result]) => inTheEnd.get(id) !== result).length,
      paid_twice: jobs.reduce((sum, job) => sum + lostCalls(job), 0),
      calls_in_flight_at_kills: inFlight,
      same_call_generated_twice: fleet.sandbox.ledger.summary().duplicates.length,
    };
    report('kills', figures);
    expect(figures).toMatchObject({ lost: 0, not_completed: 0, ended_twice: 0, overwritten: 0, same_call_generated_twice: 0 });
    expect(early.size).toBeGreaterThan(0);
    expect(figures.paid_twice).toBeLessThanOrEqual(inFlight);
    expect(kills).toBe(KILLS);
  },
);
