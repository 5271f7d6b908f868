import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A cold installation takes about a minute; after this long the holder is taken to be stuck. In ms. */
const PATIENCE_MS = 15 * 60_000;
const POLL_MS = 200;

/** Runs `work` while no other process holds the lock directory `path`; a lock whose holder died is taken over. */
export async function withProcessLock(path, { onWait, onStuck }, work) {
  await acquire(path, onWait, onStuck);
  try {
    return await work();
  } finally {
    giveBack(path);
  }
}

async function acquire(path, onWait, onStuck) {
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + PATIENCE_MS;
  for (let round = 0; !tryToTake(path); round += 1) {
    const holder = holderOf(path);
    if (holder !== undefined && !isAlive(holder)) {
      setAside(path, holder);
      continue;
    }
    if (round === 0) onWait(holder?.pid);
    if (Date.now() > deadline) throw onStuck(holder?.pid);
    await sleep(POLL_MS);
  }
}

/** The directory is renamed into place with its pid inside, so nobody ever sees a lock without a holder. */
function tryToTake(path) {
  const own = mkdtempSync(`${path}-`);
  writeFileSync(join(own, 'pid'), `${process.pid} ${beginningOf(process.pid)}`);
  try {
    renameSync(own, path);
    return true;
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Renamed first: while it is emptied, somebody else could put his own in its place. */
function giveBack(path) {
  const aside = mkdtempSync(`${path}-`);
  try {
    renameSync(path, aside);
  } catch {
    // Somebody has removed it by hand.
  }
  rmSync(aside, { recursive: true, force: true });
}

/** Two waiters may find the same dead holder: the second rename finds the first one's target and fails, as it should. */
function setAside(path, deadHolder) {
  const aside = `${path}-dead-${deadHolder.pid}-${deadHolder.began}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  // Left there for the moment that a slower waiter may still need, and cleared by the next one to pass here.
  setTimeout(() => rmSync(aside, { recursive: true, force: true }), 2_000).unref();
}

function holderOf(path) {
  try {
    const [pid, began = ''] = readFileSync(join(path, 'pid'), 'utf8').split(' ');
    return { pid: Number(pid), began };
  } catch {
    return undefined;
  }
}

/** Ids are used again, in containers at once: with its beginning an id is one process. */
function isAlive({ pid, began }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return began === beginningOf(pid);
}

/** As the kernel counts it, or '' where it does not say. */
function beginningOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field; the second, in brackets, may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
