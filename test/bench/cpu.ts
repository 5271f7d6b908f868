import { readFile } from 'node:fs/promises';

import type { BenchSystem } from './system.ts';

/** Linux counts the CPU of a process in ticks of so many µs. */
const TICK_US = 10_000;

/** The µs of CPU that each process has used so far, by name: this one as `client`. */
export async function cpuOf({ pids }: BenchSystem): Promise<Map<string, number>> {
  const used = await Promise.all(pids.map(async ({ name, pid }) => [name, await cpuOfProcess(pid)] as const));
  const { user, system } = process.cpuUsage();
  return new Map([...used, ['client', user + system]]);
}

/** The 14th and 15th field of `/proc/<pid>/stat`, of which the second, in brackets, may hold anything. */
async function cpuOfProcess(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** What each process has used for a job between two counts, in µs, the most first; what does nothing for jobs is left out. */
export function cpuPerJob(before: Map<string, number>, after: Map<string, number>, jobs: number): string {
  return [...after]
    .map(([name, used]) => ({ name, perJob: Math.round((used - (before.get(name) ?? 0)) / jobs) }))
    .filter(({ perJob }) => perJob >= 5)
    .toSorted((one, other) => other.perJob - one.perJob)
    .map(({ name, perJob }) => `${name} ${perJob}`)
    .join(', ');
}
