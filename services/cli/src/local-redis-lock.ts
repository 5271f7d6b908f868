import { link, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, readPid } from './local-redis-process.ts';

/** The holder may be installing Redis on a slow line. In ms. */
const PATIENCE_MS = 6 * 60_000;
const POLL_MS = 20;
let attempts = 0;

/** Runs `work` while nobody else holds the lock file, in this process or another; a lock whose holder died is taken over. */
export async function withStartLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await tryToTake(path))) {
    await removeIfAbandoned(path);
    if (Date.now() > deadline)
      throw new Error(`Another run has been starting Redis for too long. If none is at work, type:  rm "${path}"`);
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** The file is linked into place with its pid inside, so nobody ever sees a lock without a holder. */
async function tryToTake(path: string): Promise<boolean> {
  attempts += 1;
  const own = `${path}.${process.pid}.${attempts}`;
  await writeFile(own, String(process.pid));
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function removeIfAbandoned(path: string): Promise<void> {
  const holder = await readPid(path);
  if (holder !== null && !(await isRunning(holder))) await rm(path, { force: true });
}
