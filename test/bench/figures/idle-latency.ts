import { Agent } from 'node:http';

import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { post } from '../load.ts';
import { body } from '../prompts.ts';
import { startRaw } from '../references/raw.ts';
import type { Rounds } from '../rounds.ts';
import { startRedis, startSystem } from '../system.ts';

const JOBS = 200;

/** One job at a time: from the request to its result, beside one raw BullMQ hop from its add to the word that it is done. */
export async function idleLatency(rounds: Rounds): Promise<Figure[]> {
  const server = await startRedis();
  const system = await startSystem(server.url);
  const raw = await startRaw(server, { events: true });
  const agent = new Agent({ keepAlive: true });
  const one = async (index: number): Promise<number> => {
    const startedAt = performance.now();
    const answer = await post(agent, `${system.url}/v1/jobs`, JSON.stringify(body(index)), { Prefer: 'wait=20' });
    if (!answer.includes('"completed"')) throw new Error(answer);
    return performance.now() - startedAt;
  };
  const p50: Sample[] = [];
  const p99: Sample[] = [];
  try {
    await times(JOBS, one);
    await times(JOBS, raw.hop);
    await rounds(async () => {
      const ours = await times(JOBS, one);
      const theirs = await times(JOBS, raw.hop);
      p50.push({ value: quantile(ours, 0.5), reference: quantile(theirs, 0.5) });
      p99.push({ value: quantile(ours, 0.99), reference: quantile(theirs, 0.99) });
    });
  } finally {
    agent.destroy();
    await raw.stop();
    await system.stop();
    await server.stop();
  }
  const goal = { at: 'most', ratio: 2.5, stretch: 1.5 } as const;
  return [figureOf('idle_latency_p50', 'ms', p50, goal), figureOf('idle_latency_p99', 'ms', p99, goal)];
}

async function times(count: number, one: (index: number) => Promise<number>): Promise<number[]> {
  const taken: number[] = [];
  for (let index = 0; index < count; index += 1) taken.push(await one(index));
  return taken.toSorted((a, b) => a - b);
}

function quantile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
