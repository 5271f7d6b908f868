import { readFile } from 'node:fs/promises';

import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { sendRows, unfinished, untilDrained, untilForgotten } from '../load.ts';
import type { Rounds } from '../rounds.ts';
import { startRedis, startSystem } from '../system.ts';
import type { BenchRedis, BenchSystem } from '../system.ts';

const MANY = 100_000;
const FEW = 10_000;
/** So many before all else: what a system that has been in use keeps anyway (finished entries for the board, scripts, settings) is no part of the figure. */
const WARM_UP = 2000;
/** Ended jobs are forgotten at once, so that what Redis still holds afterwards is what was not given back. */
const JOB_HOURS = 0.000_1;
const CONSUMERS = ['classifier', 'scorer', 'worker', 'notifier', 'console'];

/** A backlog that has piled up without consumers, drained: time per job beside that of a backlog a tenth as large. Once, for it is long. */
export async function drain(_rounds: Rounds): Promise<Figure[]> {
  const time: Sample[] = [];
  const memory: Sample[] = [];
  const few = await drainOf(FEW);
  const many = await drainOf(MANY);
  time.push({ value: many.secondsPerJob * 1e6, reference: few.secondsPerJob * 1e6 });
  memory.push({ value: many.bytesAfter, reference: many.bytesBefore });
  const peaks = many.peaks.map(({ name, megabytes }) => `${name} ${megabytes} MB`).join(', ');
  process.stderr.write(`drain_100k: Redis ${Math.round(many.bytesFull / 1e6)} MB with all jobs waiting; peaks: ${peaks}\n`);
  return [
    figureOf('drain_100k', 'µs/job', time, { at: 'most', ratio: 1.1 }),
    figureOf('drain_100k_memory', 'bytes', memory, { at: 'most', ratio: 1.1 }),
  ];
}

interface Drained {
  secondsPerJob: number;
  bytesBefore: number;
  bytesFull: number;
  bytesAfter: number;
  peaks: { name: string; megabytes: number }[];
}

async function drainOf(jobs: number): Promise<Drained> {
  const server = await startRedis();
  try {
    const bytesBefore = await bytesInUse(server);
    // With the same retention: a job goes by the configuration under which it was accepted.
    const intake = await startSystem(server.url, { leaveOut: [...CONSUMERS, 'steward'], jobHours: JOB_HOURS });
    await sendRows(intake.url, jobs);
    await intake.stop();
    const bytesFull = await server.usedBytes();
    const system = await startSystem(server.url, { concurrency: 50, jobHours: JOB_HOURS });
    try {
      const left = await unfinished(server.redis);
      const startedAt = performance.now();
      await untilDrained(server.redis);
      const secondsPerJob = (performance.now() - startedAt) / 1000 / left;
      const peaks = await peaksOf(system);
      await untilForgotten(server.redis);
      return { secondsPerJob, bytesBefore, bytesFull, bytesAfter: await server.keptBytes(), peaks };
    } finally {
      await system.stop();
    }
  } finally {
    await server.stop();
  }
}

/** What Redis holds while all services are at rest after their first jobs. */
async function bytesInUse(server: BenchRedis): Promise<number> {
  const system = await startSystem(server.url, { concurrency: 50, jobHours: JOB_HOURS });
  try {
    await sendRows(system.url, WARM_UP);
    await untilDrained(server.redis);
    await untilForgotten(server.redis);
    return await server.keptBytes();
  } finally {
    await system.stop();
  }
}

/** The most memory that each process has had, by Linux' count. */
async function peaksOf({ pids }: BenchSystem): Promise<Drained['peaks']> {
  return Promise.all(
    pids.map(async ({ name, pid }) => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      return { name, megabytes: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? NaN) / 1024) };
    }),
  );
}
