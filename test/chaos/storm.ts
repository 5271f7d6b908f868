import type { JobRequestBody, JobView, TrailEntry } from '@upshift/contracts';
import { expect, vi } from 'vitest';

import type { Fleet } from '../system/fleet.ts';
import { hasEnded } from '../system/job-api.ts';

/** The whole form is what `npm run test:chaos` runs; the short one is a part of `npm test`. */
export const whole = process.env['UPSHIFT_CHAOS'] === 'whole';

/** By design a killed worker's entry comes back after its lock (10 s) and the next check (3 s); a job may meet several kills. */
const ENDED_WITHIN_MS = 120_000;
/** Longest that a client waits for one answer of the API: none may hang. */
const ANSWERED_WITHIN_MS = 10_000;
const RETRIED_WITHIN_MS = 60_000;

/** Prints what a run measured, as one line of JSON. */
export function report(name: string, figures: Record<string, number>): void {
  process.stdout.write(`${JSON.stringify({ chaos: name, form: whole ? 'whole' : 'short', ...figures })}\n`);
}

/** Works through `count` pieces of work, so many at a time. */
export async function inLanes<Result>(count: number, lanes: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

/** A client that does what the API asks of it: where it gets no answer or a 503, the same post under the same key. */
export async function submit(fleet: Fleet, body: JobRequestBody, key: string): Promise<{ id: string; refusals: number }> {
  let refusals = -1;
  return vi.waitFor(
    async () => {
      refusals += 1;
      const { status, body: job } = await answered(fleet.api.post(body, { key }));
      expect([200, 202]).toContain(status);
      return { id: job.id, refusals };
    },
    { timeout: RETRIED_WITHIN_MS, interval: 100 },
  );
}

/** The answer to a request. One that hangs ends the test. */
export function answered<Reply>(request: Promise<Reply>): Promise<Reply> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`no answer within ${ANSWERED_WITHIN_MS} ms`));
  }, ANSWERED_WITHIN_MS);
  return Promise.race([request, promise]).finally(() => clearTimeout(timer));
}

export interface EndedJob {
  job: JobView;
  trail: TrailEntry[];
}

/** All jobs after their end, with their trails. */
export function ended(fleet: Fleet, ids: string[]): Promise<EndedJob[]> {
  return inLanes(ids.length, 16, async (index) => {
    const id = ids[index] ?? '';
    const job = await fleet.api.until(id, hasEnded, ENDED_WITHIN_MS);
    return { job, trail: await fleet.api.trail(id) };
  });
}

/** The value below which this share of all lies. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
