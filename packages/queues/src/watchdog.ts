import { delayedScorePerMs } from './catalogue.ts';
import { connect } from './connection.ts';
import type { Pipeline } from './pipeline.ts';

/** How often a queue is looked at within that time: it must be found neglected twice running, so that a pause of the machine ends nothing. */
const LOOKS = 4;
/** Longest that Redis may take to say what is due: where it does not answer waiting is right. */
const ANSWERED_WITHIN_MS = 5000;

/**
 * Watches over one queue of a process. A live process that takes nothing looks healthy from outside: its port answers, and so does Redis.
 *
 * @param idleMs for how long the process has a free slot and has not asked the queue for entries
 * @returns what ends the watch
 */
export function watchProgress(pipeline: Pipeline, queue: string, idleMs: () => number): () => void {
  const { watchdog } = pipeline;
  if (watchdog === undefined) return () => undefined;
  let neglected = 0;
  const look = async (): Promise<void> => {
    const isNeglected = idleMs() > watchdog.stuckAfterMs && (await hasDue(pipeline, queue)) && idleMs() > watchdog.stuckAfterMs;
    neglected = isNeglected ? neglected + 1 : 0;
    if (neglected === 2)
      watchdog.end(`queue ${queue} has due entries and this process a free slot, but took nothing for ${idleMs()} ms`);
  };
  const timer = setInterval(() => void look().catch(() => (neglected = 0)), watchdog.stuckAfterMs / LOOKS);
  return () => clearInterval(timer);
}

/**
 * Asked over a connection of its own: the usual one may be what is stuck. A queue that is paused or limited has nothing due. What is
 * active counts: a dead connection may have taken an entry of which its process never hears.
 */
async function hasDue({ url, keys: { prefix } }: Pipeline, queue: string): Promise<boolean> {
  const redis = connect(url, { failFast: true });
  const given = setTimeout(() => redis.disconnect(), ANSWERED_WITHIN_MS);
  const key = (name: string): string => `${prefix}:${queue}:${name}`;
  try {
    redis.on('error', () => undefined);
    await redis.connect();
    const [paused, limitedMs, waiting, prioritized, delayed, active] = await Promise.all([
      redis.hget(key('meta'), 'paused'),
      redis.pttl(key('limiter')),
      redis.llen(key('wait')),
      redis.zcard(key('prioritized')),
      redis.zcount(key('delayed'), '-inf', Date.now() * delayedScorePerMs),
      redis.llen(key('active')),
    ]);
    return paused === null && limitedMs <= 0 && waiting + prioritized + delayed + active > 0;
  } finally {
    clearTimeout(given);
    redis.disconnect();
  }
}
