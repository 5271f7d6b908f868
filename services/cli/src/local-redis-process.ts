import { readFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

const run = promisify(execFile);

/** Redis writes its append-only file out and leaves well within this time; then it is killed. In ms. */
const STOP_GRACE_MS = 10_000;
/** A killed process is gone at once; this only bounds the wait for one that no signal ends (a dying disk). In ms. */
const KILL_GRACE_MS = 2_000;
const POLL_MS = 20;

/** Reads a file that holds a process id; null when it is missing or holds none. */
export async function readPid(path: string): Promise<number | null> {
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
}

/** True while the process runs; a dead one that nobody has reaped yet does not. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) [ZX] /.test(stat);
}

/** When a process began, as the kernel counts it, or '' where it does not say: with its id this is one process, for ids are used again. */
async function beginningOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The 22nd field; the second, in brackets, may hold anything.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** A process: ids alone are used again, in containers at once. */
export interface ProcessIdentity {
  pid: number;
  began: string;
}

/** What `readIdentity` reads. */
export async function identityOf(pid: number): Promise<string> {
  return `${pid} ${await beginningOf(pid)}`;
}

/** Reads a file that holds a process's identity; null when it is missing or holds none. */
export async function readIdentity(path: string): Promise<ProcessIdentity | null> {
  const [pid = 0, began = ''] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
  return Number.isSafeInteger(Number(pid)) && Number(pid) > 0 ? { pid: Number(pid), began } : null;
}

/** True while that very process runs. */
export async function isRunningAs({ pid, began }: ProcessIdentity): Promise<boolean> {
  return (await isRunning(pid)) && began === (await beginningOf(pid));
}

/** True when the running process is a Redis: process ids are used again, and after a reboot an old one may be anybody's. */
export async function isRedisProcess(pid: number): Promise<boolean> {
  if (!(await isRunning(pid))) return false;
  const { stdout } = await run('ps', ['-o', 'comm=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => stdout);
  return /redis|valkey/.test(name);
}

/** Waits until the process is gone; returns false when it still runs after `patienceMs`. */
export async function waitForExit(pid: number, patienceMs: number): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  while (await isRunning(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** SIGTERM, then SIGKILL when that is not obeyed within 10 s. Returns once the process is gone. */
export async function stopProcess(pid: number): Promise<void> {
  send(pid, 'SIGTERM');
  if (await waitForExit(pid, STOP_GRACE_MS)) return;
  send(pid, 'SIGKILL');
  await waitForExit(pid, KILL_GRACE_MS);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone, which is what we are after.
  }
}
