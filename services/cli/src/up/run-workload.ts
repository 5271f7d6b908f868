import { isTerminal } from '@upshift/contracts';
import type { JobView, TrailEntry } from '@upshift/contracts';

import { countEnded, newProgress } from './progress.ts';
import type { RunProgress } from './progress.ts';
import type { Run, Workload, WorkloadRow } from './workload.ts';

/** A row with what became of it. */
export interface Finished {
  row: WorkloadRow;
  job: JobView;
  trail: TrailEntry[];
}

/** Requests under way at once. */
const CONCURRENCY = 16;
/** Between two rounds of asking for jobs that are not finished. */
const POLL_MS = 200;
/** Jobs asked for in one round: the oldest, because they end first. */
const ASKED_PER_ROUND = 64;
/** How often a request is tried again while the API is away, and the pause in between. */
const TRIES = 120;
const RETRY_MS = 500;

/** Submits every row under a key of its own, waits until all have ended, and reads their trails. */
export async function runWorkload(
  url: string,
  workload: Workload,
  run: Run,
  onProgress: (progress: RunProgress) => void,
): Promise<Finished[]> {
  const progress = newProgress(workload.rows.length);
  const pending: { row: WorkloadRow; id: string }[] = [];
  const finished: Finished[] = [];
  let submitting = true;
  const submitted = forEach(workload.rows, async (row) => {
    pending.push({ row, id: await submit(url, row, run) });
    progress.submitted += 1;
    onProgress(progress);
  }).finally(() => (submitting = false));
  await Promise.all([submitted, follow()]);
  return finished;

  async function follow(): Promise<void> {
    while (submitting || pending.length > 0) {
      const asked = pending.splice(0, ASKED_PER_ROUND);
      await forEach(asked, async ({ row, id }) => {
        const job = await get<JobView>(`${url}/v1/jobs/${id}`);
        if (!isTerminal(job.status)) return void pending.push({ row, id });
        finished.push({ row, job, trail: (await get<{ data: TrailEntry[] }>(`${url}/v1/jobs/${id}/trail`)).data });
        countEnded(progress, job);
      });
      onProgress(progress);
      await pause(POLL_MS);
    }
  }
}

async function submit(url: string, row: WorkloadRow, run: Run): Promise<string> {
  const body = {
    input: row.input,
    checks: row.checks,
    metadata: { row: row.id },
    ...(row.task ? { task: row.task } : {}),
    ...(row.route ? { route: row.route } : {}),
  };
  const job = await get<JobView>(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `${run.id}-${row.id}` },
    body: JSON.stringify(body),
  });
  return job.id;
}

/** A request that is repeated while the API is away: every one here is idempotent. */
async function get<Body>(url: string, init: RequestInit = {}): Promise<Body> {
  for (let left = TRIES; ; left -= 1) {
    const response = await fetch(url, init).catch(() => null);
    if (response?.ok) return (await response.json()) as Body;
    if (response && response.status < 500) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    if (left === 0) throw new Error(`${url} does not answer`);
    await pause(RETRY_MS);
  }
}

async function forEach<Item>(items: Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.toReversed();
  const one = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, one));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
