import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { Job, Worker } from 'bullmq';

import type { Capacity } from './capacity.ts';
import { keptEntries, recovery, stepBackoff } from './catalogue.ts';
import { connect } from './connection.ts';
import type { Pipeline } from './pipeline.ts';
import { defineTake } from './take-script.ts';
import type { Taken, TakenEntry } from './take-script.ts';
import type { HeldEntry } from './transition-script.ts';
import { watchProgress } from './watchdog.ts';

/** What became of an entry that was worked on: it is off the queue, or is to go back to it as if it had never been taken. */
export type Fate = 'finished' | 'put-back';

/** What is done with an entry. It rejects where the entry is to be tried again, by BullMQ's own rules. */
export type Work = (entry: TakenEntry, held: HeldEntry, lost: AbortSignal) => Promise<Fate>;

/** Told when an entry was not worked on to its end. */
export type OnFailure = (entry: Job | undefined, error: Error) => void;

/** Longest wait for a new entry before the queue is looked at again, in seconds: BullMQ's own. */
const LONGEST_WAIT_S = 5;
const SHORTEST_WAIT_S = 0.002;
/** Pause after Redis did not answer, in ms. */
const RETRY_MS = 500;

interface InHand {
  lost: AbortController;
  lockedAt: number;
}

/**
 * The entries of one queue that this process has in hand. They are taken many at a time and finished in the step that they caused,
 * in BullMQ's layout; waiting for entries, stalled ones, failures and tries are left to BullMQ's own worker.
 */
export class QueueLine {
  readonly #queue: string;
  readonly #capacity: Capacity;
  readonly #work: Work;
  readonly #onFailure: OnFailure;
  readonly #pipeline: Pipeline;
  readonly #worker: Worker;
  readonly #take: (most: number) => Promise<Taken>;
  readonly #token = randomUUID();
  readonly #inHand = new Map<string, InHand>();
  readonly #renewal: NodeJS.Timeout;
  readonly #endWatch: () => void;
  readonly #stopping = new AbortController();
  readonly #disconnect: () => void;
  readonly #running: Promise<void>;
  #oneEnded = Promise.withResolvers<void>();
  /** When the queue was last asked for entries, in ms since the epoch. */
  #turnedAt = Date.now();
  /** Waits for a free slot. */
  #isFull = false;

  constructor(pipeline: Pipeline, queue: string, capacity: Capacity, work: Work, onFailure: OnFailure) {
    this.#pipeline = pipeline;
    this.#queue = queue;
    this.#capacity = capacity;
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
    this.#worker.on('error', (error) => pipeline.logger.warn({ queue, reason: error.message }, 'worker'));
    this.#worker.on('stalled', () => pipeline.metrics.stalled.inc({ queue }));
    this.#take = defineTake(pipeline, queue, { token: this.#token, lockMs: recovery.lockDuration });
    this.#endWatch = watchProgress(pipeline, queue, () => this.#idleMs());
    this.#renewal = setInterval(() => void this.#renewLocks(), recovery.lockDuration / 4);
    this.#running = this.#run();
    void this.#worker.startStalledCheckTimer();
  }

  /** Takes nothing more and waits for what is in hand. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#endWatch();
    this.#capacity.wakeAll();
    await this.#worker.backend.disconnectBlocking(true);
    await this.#running;
    while (this.#inHand.size > 0) await this.#oneEnded.promise;
    clearInterval(this.#renewal);
    await this.#worker.close();
    this.#disconnect();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        this.#turnedAt = Date.now();
        await this.#turn();
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#pipeline.logger.warn({ queue: this.#queue, reason: String(error) }, 'worker');
        await this.#worker.backend.reconnectBlocking().catch(() => undefined);
        await pause(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  #idleMs(): number {
    return this.#isFull && !this.#capacity.hasFree ? 0 : Date.now() - this.#turnedAt;
  }

  async #turn(): Promise<void> {
    const free = this.#capacity.takeAll();
    if (free === 0) return this.#nextFreeSlot();
    const taken = await this.#takeAtMost(free);
    if (taken.drained) await this.#waitForEntries(taken);
  }

  async #takeAtMost(most: number): Promise<Taken> {
    let unused = most;
    try {
      const taken = await this.#take(most);
      unused -= taken.entries.length;
      for (const entry of taken.entries) void this.#workOn(entry);
      return taken;
    } finally {
      this.#capacity.giveBack(unused);
    }
  }

  /** Resolves in the turn after a slot became free: those that become free together are filled together. */
  async #nextFreeSlot(): Promise<void> {
    this.#isFull = true;
    await this.#capacity.change();
    this.#isFull = false;
    await new Promise((resolve) => void setImmediate(resolve));
  }

  async #waitForEntries({ limitedMs, nextDelayedAt }: Taken): Promise<void> {
    if (limitedMs > 0) return pause(limitedMs, undefined, { signal: this.#stopping.signal });
    for (let due = nextDelayedAt; !this.#stopping.signal.aborted;) {
      const leftS = due === 0 ? LONGEST_WAIT_S : (due - Date.now()) / 1000;
      if (leftS <= 0) return;
      const marker = await this.#worker.backend.waitForJob(Math.min(LONGEST_WAIT_S, Math.max(SHORTEST_WAIT_S, leftS)));
      // A marker of delayed entries says when the first is due; any other, or none, that it is time to look.
      if (marker === null || marker.score <= Date.now()) return;
      due = due === 0 ? marker.score : Math.min(due, marker.score);
    }
  }

  async #workOn(entry: TakenEntry): Promise<void> {
    const { id } = entry;
    const lost = new AbortController();
    this.#inHand.set(id, { lost, lockedAt: Date.now() });
    try {
      const fate = await this.#work(entry, { queue: this.#queue, id, token: this.#token }, lost.signal);
      if (fate === 'put-back') await this.#putBack(id);
    } catch (error) {
      await this.#fail(id, error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#inHand.delete(id);
      this.#capacity.giveBack(1);
      this.#oneEnded.resolve();
      this.#oneEnded = Promise.withResolvers<void>();
    }
  }

  /** By BullMQ's own script, which counts no try. Where that fails the lock runs out, and the entry comes back by itself. */
  async #putBack(id: string): Promise<void> {
    try {
      const job = await Job.fromId(this.#worker, id);
      await job?.moveToWait(this.#token);
    } catch (error) {
      this.#pipeline.logger.warn({ queue: this.#queue, entry: id, reason: String(error) }, 'could not put an entry back');
    }
  }

  /** Tried again later, or failed for good: by the entry's own options. */
  async #fail(id: string, error: Error): Promise<void> {
    try {
      const job = await Job.fromId(this.#worker, id);
      await job?.moveToFailed(error, this.#token, false);
      this.#onFailure(job, error);
    } catch (failure) {
      // Its lock runs out, and it comes back as one that has stalled.
      this.#pipeline.logger.warn({ queue: this.#queue, entry: id, reason: String(failure) }, 'could not fail an entry');
    }
  }

  /** Locks are renewed at half their length; who has lost one is told, because another consumer has the entry. */
  async #renewLocks(): Promise<void> {
    const now = Date.now();
    const due = [...this.#inHand].filter(([, { lockedAt }]) => now - lockedAt >= recovery.lockDuration / 2);
    if (due.length === 0) return;
    const ids = due.map(([id]) => id);
    try {
      const tokens = ids.map(() => this.#token);
      const gone = await this.#worker.backend.extendLocks(ids, tokens, recovery.lockDuration);
      for (const [id, inHand] of due) {
        if (gone.includes(id)) inHand.lost.abort(new Error('another worker has this entry'));
        else inHand.lockedAt = now;
      }
    } catch (error) {
      this.#pipeline.logger.warn({ queue: this.#queue, reason: String(error) }, 'could not renew locks');
    }
  }
}
