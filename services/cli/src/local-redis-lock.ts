import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isRunningAs, readIdentity } from './local-redis-process.ts';

/** The holder may be installing Redis on a slow line. In ms. */
const PATIENCE_MS = 6 * 60_000;
const POLL_MS = 20;
/** How long a dead holder's lock is kept aside: longer than anybody takes between reading it and setting it aside. In ms. */
const KEPT_ASIDE_MS = 2_000;

/** Runs `work` while nobody else holds the lock directory, in this process or another; a lock whose holder died is taken over. */
export async function withStartLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await tryToTake(path))) {
    await setAsideIfAbandoned(path);
    if (Date.now() > deadline)
      throw new Error(`Another run has been starting Redis for too long. If none is at work, type:  rm -r "${path}"`);
    await sleep(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await giveBack(path);
  }
}

/** The directory is renamed into place with its holder inside, so nobody ever sees a lock without one. */
async function tryToTake(path: string): Promise<boolean> {
  const own = await mkdtemp(`${path}-`);
  await writeFile(holderFile(own), await identityOf(process.pid));
  try {
    await rename(own, path);
    return true;
  } catch (error) {
    await rm(own, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Renamed first: while it is emptied, somebody else could put his own in its place. */
async function giveBack(path: string): Promise<void> {
  const aside = await mkdtemp(`${path}-`);
  // Where somebody has removed it by hand there is nothing to give back.
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

/** Two waiters may find the same dead holder: the second one's rename finds the first one's target and fails, as it should. */
async function setAsideIfAbandoned(path: string): Promise<void> {
  const holder = await readIdentity(holderFile(path));
  if (holder === null || (await isRunningAs(holder))) return;
  const aside = `${path}-dead-${holder.pid}-${holder.began}`;
  const isOurs = await rename(path, aside).then(
    () => true,
    () => false,
  );
  if (isOurs) setTimeout(() => void rm(aside, { recursive: true, force: true }), KEPT_ASIDE_MS).unref();
}

function holderFile(path: string): string {
  return join(path, 'holder');
}
