import type { JobRequestBody, JobView, ProblemView, TrailEntry } from '@upshift/contracts';
import { vi } from 'vitest';

/** An answer of the API with its body read. */
export interface Reply<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

interface PostOptions {
  /** Seconds of `Prefer: wait`. */
  wait?: number;
  key?: string;
}

/** The job API as a client sees it. */
export interface JobApi {
  post(body: JobRequestBody, options?: PostOptions): Promise<Reply<JobView>>;
  /** Posts and waits for the end. */
  run(body: JobRequestBody): Promise<JobView>;
  /** Posts what may be no job at all. */
  send(path: string, init?: RequestInit): Promise<Reply<ProblemView>>;
  job(id: string): Promise<JobView>;
  trail(id: string): Promise<TrailEntry[]>;
  cancel(id: string): Promise<Reply<JobView>>;
  /** Asks for the job until it is as wanted. */
  until(id: string, wanted: (job: JobView) => boolean, timeoutMs?: number): Promise<JobView>;
}

const WAIT_S = 20;
const UNTIL_MS = 20_000;
const POLL_MS = 50;

export function createJobApi(url: () => string): JobApi {
  const request = async <Body>(path: string, init?: RequestInit): Promise<Reply<Body>> => {
    const response = await fetch(`${url()}${path}`, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
  };
  const post: JobApi['post'] = (body, { wait, key } = {}) =>
    request('/v1/jobs', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(wait === undefined ? {} : { prefer: `wait=${wait}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
  const job: JobApi['job'] = async (id) => (await request<JobView>(`/v1/jobs/${id}`)).body;
  return {
    post,
    job,
    send: request,
    run: async (body) => (await post(body, { wait: WAIT_S })).body,
    trail: async (id) => (await request<{ data: TrailEntry[] }>(`/v1/jobs/${id}/trail`)).body.data,
    cancel: (id) => request(`/v1/jobs/${id}/cancel`, { method: 'POST' }),
    until: (id, wanted, timeoutMs = UNTIL_MS) =>
      vi.waitFor(
        async () => {
          const view = await job(id);
          if (wanted(view)) return view;
          throw new Error(`job ${id} is still ${JSON.stringify(view)}`);
        },
        { timeout: timeoutMs, interval: POLL_MS },
      ),
  };
}

export function hasEnded({ status }: JobView): boolean {
  return status !== 'queued' && status !== 'in_progress';
}

/** The events of a trail, in order. */
export function eventsOf(trail: TrailEntry[]): string[] {
  return trail.map(({ event }) => event);
}
