import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { Job, Worker } from 'bullmq';

import type { Capacity } from './capacity.ts';
import { keptEntries, recovery, stepBackoff } from './catalogue.ts';
import { connect } from './connection.ts';
import { defineLock } from './lock-script.ts';
import { Marker } from './marker.ts';
import type { Pipeline } from './pipeline.ts';
import { onceRedisTakes } from './redis-away.ts';
import { defineTake } from './take-script.ts';
import type { Take, Taken, TakenEntry } from './take-script.ts';
import type { HeldEntry } from './transition.ts';
import { watchProgress } from './watchdog.ts';

/** What became of an entry that was worked on: it is off the queue, or is to go back to it as if it had never been taken. */
export type Fate = 'finished' | 'put-back';

/** What is done with an entry. It rejects where the entry is to be tried again, by BullMQ's own rules. */
type Work = (entry: TakenEntry, held: HeldEntry, lost: AbortSignal) => Promise<Fate>;

/** Told when an entry was not worked on to its end. */
type OnFailure = (entry: Job | undefined, error: Error) => void;

/** Longest wait for a new entry before the queue is looked at again, in seconds: BullMQ's own. */
const LONGEST_WAIT_S = 5;
const SHORTEST_WAIT_S = 0.002;
/** Pause after Redis did not answer, in ms. */
const RETRY_MS = 500;

/** How often entries are locked that were taken since, and locks renewed that have run half their time, in ms. */
const LOCKING_MS = 1000;

interface InHand {
  lost: AbortController;
  held: HeldEntry;
  /** In ms, by a clock that nobody sets; null while it has no lock. */
  lockedAt: number | null;
}

interface LineOptions {
  /** For entries in hand. */
  capacity: Capacity;
  /** Whether entries are locked when they are taken, not only when they have been in hand for a moment. */
  locksAtOnce: boolean;
}

/**
 * The entries of one queue that this process has in hand. They are taken many at a time and finished in the step that they caused,
 * in BullMQ's layout; stalled ones, failures and tries are left to BullMQ's own worker.
 *
 * Most entries are finished within milliseconds. A lock tells only the check for stalled entries that somebody still works on one: it
 * looks seldom, and who has an entry in hand for so long has locked it by then.
 */
export class QueueLine {
  readonly #queue: string;
  readonly #options: LineOptions;
  readonly #work: Work;
  readonly #onFailure: OnFailure;
  readonly #pipeline: Pipeline;
  readonly #worker: Worker;
  readonly #marker: Marker;
  readonly #take: Take;
  readonly #takeAfterWait: Take;
  readonly #lock: (ids: string[]) => Promise<string[]>;
  readonly #token = randomUUID();
  readonly #inHand = new Map<string, InHand>();
  readonly #locking: NodeJS.Timeout;
  readonly #endWatch: () => void;
  readonly #stopping = new AbortController();
  readonly #disconnect: () => void;
  readonly #running: Promise<void>;
  #oneEnded = Promise.withResolvers<void>();
  /** What the last look at the queue said, where it found nothing more. */
  #drained: Taken | null = null;
  /** When the queue was last asked for entries, or is to be asked again after a wait for news, in ms: by a clock that nobody sets. */
  #turnedAt = performance.now();
  /** Waits for a free slot. */
  #isFull = false;

  constructor(pipeline: Pipeline, queue: string, options: LineOptions, work: Work, onFailure: OnFailure) {
    this.#pipeline = pipeline;
    this.#queue = queue;
    this.#options = options;
    this.#work = work;
    this.#onFailure = onFailure;
    const connection = connect(pipeline.url, { failFast: false });
    this.#disconnect = () => connection.disconnect();
    this.#worker = new Worker(queue, null, {
      connection,
      prefix: pipeline.keys.prefix,
      autorun: false,
      ...recovery,
      ...keptEntries,
      settings: { backoffStrategy: stepBackoff },
    });
    const warn = (error: Error): void => pipeline.sayFailure('worker', { queue }, error);
    this.#worker.on('error', warn);
    // All that a worker had in hand stalls at once: a series that begins with them shows no increase.
    pipeline.metrics.stalled.inc({ queue }, 0);
    this.#worker.on('stalled', () => pipeline.metrics.stalled.inc({ queue }));
    this.#marker = new Marker(pipeline, queue, this.#token);
    this.#marker.connection.on('error', warn);
    const lock = { token: this.#token, holdsMs: recovery.lockDuration };
    this.#lock = defineLock(pipeline.redis, pipeline.keys, queue, lock);
    this.#take = defineTake(pipeline.redis, pipeline.keys, queue, options.locksAtOnce ? lock : null);
    this.#takeAfterWait = defineTake(this.#marker.connection, pipeline.keys, queue, options.locksAtOnce ? lock : null);
    this.#endWatch = watchProgress(pipeline, queue, () => this.#idleMs());
    this.#locking = setInterval(() => void this.#lockEntries(), LOCKING_MS);
    this.#running = this.#run();
    void this.#worker.startStalledCheckTimer();
  }

  /** Takes nothing more and waits for what is in hand. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#endWatch();
    this.#options.capacity.wakeAll();
    await this.#marker.end(this.#running);
    await this.#running;
    while (this.#inHand.size > 0) await this.#oneEnded.promise;
    clearInterval(this.#locking);
    await this.#worker.close();
    this.#disconnect();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        this.#turnedAt = performance.now();
        await this.#turn();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#pipeline.sayFailure('worker', { queue: this.#queue }, error);
        await pause(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  #idleMs(): number {
    return this.#isFull && !this.#options.capacity.hasFree ? 0 : performance.now() - this.#turnedAt;
  }

  async #turn(): Promise<void> {
    const { capacity } = this.#options;
    const drained = this.#drained;
    this.#drained = null;
    // Slots that are kept for what may come are no other line's.
    if (drained !== null && capacity.isShared) return this.#waitForWordOrPassOn(drained);
    const free = capacity.takeAll();
    if (free === 0) return this.#nextFreeSlot();
    const taken = await this.#takeAtMost(free, drained);
    if (taken.limitedMs > 0) return pause(taken.limitedMs, undefined, { signal: this.#stopping.signal });
    if (!taken.drained) return;
    this.#drained = taken;
    // What was taken goes first: its next step must not stand behind the word that this line waits again.
    if (taken.entries.length > 0) await nextTurn();
  }

  /** @param drained what a look at the queue has just said, where it is to be waited for more */
  async #takeAtMost(most: number, drained: Taken | null): Promise<Taken> {
    let unused = most;
    try {
      const taken = await (drained === null ? this.#take(most) : this.#waitAndTake(most, drained));
      // One that stalled while Redis took no locks comes back to who still works on it, and has not heard that it is lost.
      const fresh = taken.entries.filter(({ id }) => this.#inHand.get(id)?.lost.signal.aborted !== false);
      unused -= fresh.length;
      for (const entry of fresh) void this.#workOn(entry);
      return taken;
    } finally {
      this.#options.capacity.giveBack(unused);
    }
  }

  /** Resolves in the turn after a slot became free: those that become free together are filled together. */
  async #nextFreeSlot(): Promise<void> {
    this.#isFull = true;
    await this.#options.capacity.change();
    this.#isFull = false;
    await nextTurn();
  }

  /** Both commands are sent at once, so that no way to Redis and back lies between the word and the entry. */
  async #waitAndTake(most: number, drained: Taken): Promise<Taken> {
    const [, taken] = await Promise.all([this.#waitForWord(drained), this.#takeAfterWait(most)]);
    return taken;
  }

  /** One process hears a word, or knows when a delayed entry is due: both are for one that has a free slot and goes on. */
  async #waitForWordOrPassOn(drained: Taken): Promise<void> {
    await this.#waitForWord(drained);
    if (!this.#options.capacity.hasFree || this.#stopping.signal.aborted) await this.#marker.give();
  }

  /** Waits for the word that an entry is there, or for the time at which a delayed one is due. */
  async #waitForWord({ nextDelayedAt }: Taken): Promise<void> {
    const leftS = nextDelayedAt === 0 ? LONGEST_WAIT_S : (nextDelayedAt - Date.now()) / 1000;
    const waitS = Math.min(LONGEST_WAIT_S, Math.max(SHORTEST_WAIT_S, leftS));
    // Who waits no longer than this neglects nothing.
    this.#turnedAt = performance.now() + waitS * 1000;
    await this.#marker.wait(waitS);
  }

  async #workOn(entry: TakenEntry): Promise<void> {
    const { id } = entry;
    const lost = new AbortController();
    const { locksAtOnce } = this.#options;
    const held: HeldEntry = { queue: this.#queue, id, token: locksAtOnce ? this.#token : null };
    this.#inHand.set(id, { lost, held, lockedAt: locksAtOnce ? performance.now() : null });
    try {
      const fate = await this.#work(entry, held, lost.signal);
      if (fate === 'put-back') await this.#putBack(id);
    } catch (error) {
      await this.#fail(id, error instanceof Error ? error : new Error(String(error)), lost.signal);
    } finally {
      // It may have come back meanwhile, as another delivery.
      if (this.#inHand.get(id)?.lost === lost) this.#inHand.delete(id);
      this.#options.capacity.giveBack(1);
      this.#oneEnded.resolve();
      this.#oneEnded = Promise.withResolvers<void>();
    }
  }

  /**
   * By BullMQ's own script, which counts no try, and gives no word of an entry that has a priority. Where that fails the lock runs out, and the
   * entry comes back by itself.
   */
  async #putBack(id: string): Promise<void> {
    try {
      const job = await this.#lockedJob(id);
      await job?.moveToWait(this.#token);
      await this.#marker.give();
    } catch (error) {
      this.#pipeline.logger.warn({ queue: this.#queue, entry: id, reason: String(error) }, 'could not put an entry back');
    }
  }

  /**
   * Tried again later, or failed for good: by the entry's own options. It stays in hand while Redis can not take that: one that is let go
   * stalls, which counts as a crash of this process.
   */
  async #fail(id: string, error: Error, lost: AbortSignal): Promise<void> {
    try {
      const job = await onceRedisTakes(AbortSignal.any([lost, this.#stopping.signal]), async () => {
        const locked = await this.#lockedJob(id);
        await locked?.moveToFailed(error, this.#token, false);
        return locked;
      });
      this.#onFailure(job, error);
    } catch (failure) {
      // Its lock runs out, and it comes back as one that has stalled.
      this.#pipeline.logger.warn({ queue: this.#queue, entry: id, reason: String(failure) }, 'could not fail an entry');
    }
  }

  /** BullMQ moves only entries that are locked. */
  async #lockedJob(id: string): Promise<Job | undefined> {
    if ((await this.#lock([id])).length > 0) throw new Error('another worker has this entry');
    return Job.fromId(this.#worker, id);
  }

  /** Who has lost an entry is told, because another consumer has it. */
  async #lockEntries(): Promise<void> {
    const now = performance.now();
    const due = [...this.#inHand].filter(([, { lockedAt }]) => lockedAt === null || now - lockedAt >= recovery.lockDuration / 2);
    if (due.length === 0) return;
    try {
      const gone = new Set(await this.#lock(due.map(([id]) => id)));
      for (const [id, inHand] of due) {
        inHand.held.token = this.#token;
        inHand.lockedAt = now;
        if (gone.has(id)) inHand.lost.abort(new Error('another worker has this entry'));
      }
    } catch (error) {
      this.#pipeline.sayFailure('could not lock entries', { queue: this.#queue }, error);
    }
  }
}

/** Of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
