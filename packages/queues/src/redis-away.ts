import { setTimeout as pause } from 'node:timers/promises';

/** How ioredis says that a command did not reach Redis (or none of its cluster, or sentinels), and Redis that it can not take it now. */
const away = new RegExp(
  [
    "Stream isn't writeable|Connection is closed|Command aborted due to connection close|max retries per request|Command timed out",
    'ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|All sentinels are unreachable',
    "Cluster isn't ready|Cluster is disconnect|Node is disconnected|None of startup nodes|Failed to refresh slots|Too many Cluster redirections",
    '^OOM|^LOADING|^READONLY|^NOREPLICAS|^MISCONF|^BUSY |^CLUSTERDOWN|^MASTERDOWN|^TRYAGAIN',
  ].join('|'),
);
const awayNames = ['MaxRetriesPerRequestError', 'ClusterAllFailedError'];

/** Whether an error says that Redis could not be reached, or can not take the command now (it is full, say): later it may. */
export function isRedisAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (away.test(error.message) || awayNames.includes(error.name)) return true;
  // Of a transaction Redis says only that it was discarded; these say why.
  return 'previousErrors' in error && (error.previousErrors as unknown[]).some(isRedisAway);
}

/** Pauses between tries of what Redis can not take now, in ms: short at first, since most refusals are over in a moment. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

/** Does again what Redis can not take now, until it can; when the signal has fired it is tried one last time. */
export async function onceRedisTakes<Result>(signal: AbortSignal, write: () => Promise<Result>): Promise<Result> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const isLast = signal.aborted;
    try {
      return await write();
    } catch (error) {
      if (isLast || !isRedisAway(error)) throw error;
    }
    await pause(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
