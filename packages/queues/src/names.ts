import { createHash, randomFillSync } from 'node:crypto';

import { isTerminal } from '@upshift/contracts';
import type { JobState, JobStatus, Step } from '@upshift/contracts';

/**
 * Every key and queue name of Upshift is made here.
 *
 * All keys of one pipeline carry one hash tag, as in `{upshift-0}`: a *cell*. Steps that touch several keys are then legal on
 * Redis Cluster.
 */
export function cellKeys(cell: number) {
  const tag = `{upshift-${cell}}`;
  return {
    /** Before the name of each queue of the cell. */
    prefix: tag,
    job: (id: string) => `${tag}:job:${id}`,
    idempotency: (key: string) => `${tag}:idempotency:${key}`,
    /** Sorted set: unfinished jobs by their deadline. */
    deadlines: `${tag}:deadlines`,
    /** Sorted set: jobs that have ended, by the time (ms since the epoch) at which they are forgotten. */
    expiries: `${tag}:expiries`,
    /** Sorted set of job ids, all with score 0: in the order of the ids, which is that of creation. */
    index: (name: string) => `${tag}:index:${name}`,
    /** Set: every route that ever got a job. The indexes of their statuses together name all jobs, each once. */
    routes: `${tag}:routes`,
    /** Stream: what happened to all jobs of late, an entry per transition. */
    events: `${tag}:events`,
    /** Hash: counters of a minute (minutes since the epoch). */
    stats: (minute: number) => `${tag}:stats:${minute}`,
    /** Sorted set: deliveries to an endpoint by the time of their last change. */
    deliveries: (webhook: string) => `${tag}:webhook:${webhook}:deliveries`,
    delivery: (id: string) => `${tag}:delivery:${id}`,
    /** Set: every queue that ever got an entry, so that none is forgotten when its model leaves the configuration. */
    queues: `${tag}:queues`,
    /** Sorted set: jobs that crashed a worker in which they ran alone, by the time at which they did. */
    quarantine: `${tag}:quarantine`,
    /** Stream: what jobs of experiments came to, for the evaluator. */
    outcomes: `${tag}:outcomes`,
    /** Stream: what became of answers, for `upshift train`. */
    labels: `${tag}:labels`,
    /**
     * Is never there. A script that names it waits while the slot of the cell moves to another node: on either node it would find some of its
     * keys, and make those anew that the other one has, so that neither node could have them all.
     */
    nothing: `${tag}:nothing`,
  };
}
export type CellKeys = ReturnType<typeof cellKeys>;

/** What there is once, however many cells there are: under tags of their own, or beside the first cell. */
const FIRST_CELL = '{upshift-0}';

export const globalKeys = {
  /** Set: the names of all webhook endpoints. */
  webhooks: `${FIRST_CELL}:webhooks`,
  webhook: (name: string) => `${FIRST_CELL}:webhook:${name}`,
  config: (version: string) => `${FIRST_CELL}:config:${version}`,
  /** Sorted set: over how many cells new jobs are spread, by the time (ms since the epoch) from which that holds. */
  periods: `${FIRST_CELL}:cells`,
  lease: (name: string) => `${FIRST_CELL}:lease:${name}`,
  /** Hash: sums of the counters of savings of a day (days since the epoch, UTC). */
  savings: (day: number) => `${FIRST_CELL}:savings:${day}`,
  providers: '{upshift-health}:providers',
  /** Sorted set: models by the time until which their circuit is open. */
  circuitsOpen: '{upshift-health}:open-circuits',
  /** Hash: what vendors have said of their limits, by model and unit. */
  learnedLimits: '{upshift-health}:limits',
  /** A hash of a request → an accepted answer to it, for routes that allow it. */
  earlierAnswer: (hash: string) => `{upshift-answers:${hash}}`,
  /** When a bucket is full again, in ms since the epoch. All of an account stand in one slot of a cluster: they are taken together. */
  limit: (provider: string, model: string | null, unit: string) =>
    `{upshift-limits:${provider}}:${model === null ? 'account' : encodeModelId(model)}:${unit}`,
  /** Hashes by name: all that is known of experiments, and what intake needs. */
  experiments: '{upshift-experiments}:all',
  activeExperiments: '{upshift-experiments}:active',
  /** Set: the names of those that need nothing more, for ever: no command and no outcome changes them. */
  finishedExperiments: '{upshift-experiments}:finished',
  /** Number: grows with every experiment that is made. */
  experimentsMade: '{upshift-experiments}:made',
};

/** A public id: the cell in one hexadecimal digit, the time in hex (so that ids of a cell sort by creation), and 72 random bits (so that none can be guessed). */
export function newJobId(cell: number, now: number): string {
  return firstIdAt(cell, now) + randomHex();
}

/** What stands before all ids of a cell that are made from a time on, and after all that were made before. */
export function firstIdAt(cell: number, atMs: number): string {
  return `job_${cell.toString(16)}${atMs.toString(16).padStart(12, '0')}`;
}

/** Random bytes are drawn for many ids at once: each draw is a call of the system. */
const RANDOM_BYTES = 9;
const drawn = Buffer.alloc(RANDOM_BYTES * 256);
let used = drawn.length;

function randomHex(): string {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += RANDOM_BYTES;
  return drawn.toString('hex', used - RANDOM_BYTES, used);
}

/** The index of the jobs of a route that have a status: every job stands in one of these, and each costs some 140 bytes a job. */
export function statusIndex(status: JobStatus, route: string): string {
  return `${status}:${route}`;
}

export function taskIndex(task: string): string {
  return `task:${task}`;
}

/** The indexes in which a job stands. Those of metadata are hashed: a client's text is no key. */
export function indexesOf(
  job: Pick<JobState, 'status' | 'route' | 'task' | 'experiments'>,
  metadata: Record<string, string>,
): string[] {
  const listed = [statusIndex(job.status, job.route), ...(job.task === null ? [] : [taskIndex(job.task)])];
  return [
    // Nobody sent a shadow: no list of jobs names it unless it is asked for by its metadata.
    ...(job.experiments?.shadowOf ? [] : listed),
    ...experimentIndexesOf(job),
    ...Object.entries(metadata).map(([key, value]) => metadataIndex(key, value)),
  ];
}

function experimentIndexesOf({ status, experiments }: Pick<JobState, 'status' | 'experiments'>): string[] {
  if (!experiments || isTerminal(status)) return [];
  const { holdFor, held, shadowOf, arms } = experiments;
  if (shadowOf !== null) return [SHADOWS_INDEX, ...arms.map(({ experiment, arm }) => shadowIndex(experiment, arm))];
  if (holdFor === null) return [];
  return held ? [canaryIndex(holdFor), heldIndex(holdFor)] : [canaryIndex(holdFor)];
}

/** Unfinished jobs whose answers a canary holds or will hold. */
export function canaryIndex(experiment: string): string {
  return `canary:${experiment}`;
}

/** Of them, those whose answers wait. */
export function heldIndex(experiment: string): string {
  return `held:${experiment}`;
}

/** All unfinished jobs that only shadows asked for. */
export const SHADOWS_INDEX = 'shadows';

/** Those of an arm. */
export function shadowIndex(experiment: string, arm: string): string {
  return `shadow:${experiment}:${arm}`;
}

export function metadataIndex(key: string, value: string): string {
  return `metadata:${createHash('sha256')
    .update(JSON.stringify([key, value]))
    .digest('base64url')
    .slice(0, 22)}`;
}

/** Whether a text has the form of a public job id: only then may it become part of a key. */
export function isJobId(text: string): boolean {
  return /^job_[0-9a-f]{31}$/.test(text);
}

const ID_BEFORE_CELL = 'job_'.length;

/** The cell that a job's id names; the first for what is no job. */
export function cellOfId(id: string): number {
  return isJobId(id) ? Number.parseInt(id.charAt(ID_BEFORE_CELL), 16) : 0;
}

/** The id without its cell: in the order of these, jobs of all cells are in that of creation. */
export function orderOfId(id: string): string {
  return id.slice(ID_BEFORE_CELL + 1);
}

/** An id that has a job's place in the order of another cell's ids. */
export function idInCell(id: string, cell: number): string {
  return `job_${cell.toString(16)}${orderOfId(id)}`;
}

/** Pub/sub channels: the ids of jobs that have ended, and of those whose calls must stop, with commas between them. */
export const channels = { ended: 'upshift:ended', abort: 'upshift:abort' };

export const CLASSIFY_QUEUE = 'classify';
export const SCORE_QUEUE = 'score';
export const FALLBACK_QUEUE = 'fallback';
export const DELIVER_QUEUE = 'deliver';

/** The queue of a model in a tier; a worker consumes all those of its tier. */
export function modelQueue(tier: string, modelId: string): string {
  return tier === FALLBACK_QUEUE ? FALLBACK_QUEUE : `tier.${tier}.${encodeModelId(modelId)}`;
}

/** The tier and model that a queue name stands for; null for the queues that belong to no model. */
export function parseModelQueue(queue: string): { tier: string; modelId: string } | null {
  const parts = /^tier\.([^.]+)\.(.+)$/.exec(queue);
  return parts?.[1] && parts[2] ? { tier: parts[1], modelId: decodeModelId(parts[2]) } : null;
}

/** BullMQ refuses `:` in names and model ids contain it: percent-encoding with `~` for `%`, which is safe in URLs too. */
export function encodeModelId(id: string): string {
  return encodeURIComponent(id).replaceAll('~', '%7E').replaceAll('%', '~');
}

export function decodeModelId(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('~', '%'));
}

/**
 * The id of a queue entry. Deterministic, so that adding twice adds once; with an epoch, because BullMQ drops an add in
 * silence under an id that it still retains.
 */
export function entryId(job: { id: string; revision: number; epoch: number }, step: Step): string {
  const what = step.kind === 'classify' ? 'classify' : `${step.kind}-${step.attempt}`;
  return `${job.id}.${job.revision}.${what}.${job.epoch}`;
}

/** The id of the entry that tells an endpoint of a job's end; `redelivery` grows each time that somebody asks for it again. */
export function deliveryEntryId(told: { job: string; revision: number; webhook: string; redelivery: number }): string {
  return `${told.job}.${told.revision}.deliver-${told.webhook}.${told.redelivery}`;
}

/** The `webhook-id` of a job's end: the same over all tries and redeliveries. */
export function deliveryId({ job, revision }: { job: string; revision: number }): string {
  return `msg_${job}_${revision}`;
}
