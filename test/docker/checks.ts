import { isTerminal } from '@upshift/contracts';
import type { JobPage } from '@upshift/contracts';

import { apiAt } from '../../services/cli/src/api.ts';
import type { Finished } from '../../services/cli/src/up/run-workload.ts';
import { SCALED } from './disturbances.ts';
import type { Happened } from './disturbances.ts';
import type { Container, Stack } from './stack.ts';

/** What must hold, and what was found where it does not. */
export interface Check {
  name: string;
  passed: boolean;
  found: unknown;
}

/** What a run through the API left, and what happened to it. */
export interface Evidence {
  /** Rows of the workload. */
  rows: number;
  finished: Finished[];
  /** Ids of all jobs that the API lists. */
  listed: string[];
  expected: string[];
  happened: Happened[];
  redis: { before: Container[]; after: Container[] };
  containers: Container[];
  /** Calls that each worker of the scaled tier has counted since it started. */
  calls: number[];
  stopped: Container[];
}

export function checksOf(evidence: Evidence): Check[] {
  const { rows, finished, listed, expected, happened, redis, containers, calls, stopped } = evidence;
  const ids = new Set(finished.map(({ job }) => job.id));
  const unended = finished.filter(({ job }) => !isTerminal(job.status)).map(({ job }) => job.id);
  const notOnce = finished.filter((one) => completions(one) !== 1).map(({ row }) => row.id);
  const late = expected.filter((name) => !happened.some((one) => one.name === name && one.endedBefore < rows));
  const restarted = containers.filter(({ restarts }) => restarts > 0).map(({ service }) => service);
  const failed = stopped.filter(({ exitCode }) => exitCode !== 0).map(({ service, exitCode }) => `${service}: ${exitCode}`);
  return [
    check('every row was accepted, as one job', finished.length === rows && ids.size === rows, [finished.length, ids.size]),
    check('every accepted job has ended', unended.length === 0, unended),
    check('each row was answered once', notOnce.length === 0, notOnce),
    check('the API lists these jobs and no others', listed.length === rows && listed.every((id) => ids.has(id)), listed.length),
    check('all happened in the middle of the run', late.length === 0, late),
    check(
      `${SCALED.count} workers of the scaled tier called models`,
      calls.length === SCALED.count && calls.every(Boolean),
      calls,
    ),
    check('the killed worker, and nothing else, was started again', String(restarted) === SCALED.service, restarted),
    check('Redis was restarted', redis.before[0]?.startedAt !== redis.after[0]?.startedAt, redis),
    check(
      'all containers were healthy at the end',
      containers.every(({ health }) => health === 'healthy'),
      containers,
    ),
    check('told to stop, every container ended with exit code 0', failed.length === 0, failed),
  ];
}

function check(name: string, passed: boolean, found: unknown): Check {
  return { name, passed, found };
}

function completions({ job, trail }: Finished): number {
  return job.result === null ? 0 : trail.filter(({ event }) => event === 'job-completed').length;
}

export async function listedJobs(url: string): Promise<string[]> {
  const api = apiAt(url);
  const ids: string[] = [];
  for (let after = ''; ;) {
    const page = await api.get<JobPage>(`/v1/jobs?limit=100${after}`);
    ids.push(...page.data.map(({ id }) => id));
    if (!page.has_more) return ids;
    after = `&after=${page.last_id}`;
  }
}

/** What the workers of the scaled tier have counted. */
export async function callsOf(stack: Stack): Promise<number[]> {
  const script = "console.log(await (await fetch('http://127.0.0.1:7700/metrics')).text())";
  const pages = (await stack.containers(SCALED.service)).map(({ id }) => stack.evaluate(id, script));
  return (await Promise.all(pages)).map((page) =>
    [...page.matchAll(/^upshift_call_duration_seconds_count\{.*\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0),
  );
}
