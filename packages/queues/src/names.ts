import type { Step } from '@upshift/contracts';

/**
 * Every key and queue name of Upshift is made here.
 *
 * All keys of one pipeline carry one hash tag, `{upshift-0}`: a *cell*. Steps that touch several keys are then legal on
 * Redis Cluster. Health is global and has a tag of its own.
 */
export const CELL = '0';
export const CELL_PREFIX = `{upshift-${CELL}}`;

export const keys = {
  job: (id: string) => `${CELL_PREFIX}:job:${id}`,
  trail: (id: string) => `${CELL_PREFIX}:job:${id}:trail`,
  idempotency: (key: string) => `${CELL_PREFIX}:idempotency:${key}`,
  /** Sorted set: unfinished jobs by the time of their last change. */
  open: `${CELL_PREFIX}:open`,
  /** Sorted set: unfinished jobs by their deadline. */
  deadlines: `${CELL_PREFIX}:deadlines`,
  /** Set: every queue that ever got an entry, so that none is forgotten when its model leaves the configuration. */
  queues: `${CELL_PREFIX}:queues`,
  config: (version: string) => `${CELL_PREFIX}:config:${version}`,
  providers: '{upshift-health}:providers',
  circuitsOpen: '{upshift-health}:circuits-open',
  lease: (name: string) => `${CELL_PREFIX}:lease:${name}`,
};

/** Whether a text has the form of a public job id: only then may it become part of a key. */
export function isJobId(text: string): boolean {
  return /^job_[0-9a-f]{31}$/.test(text);
}

/** Pub/sub channels: the id of a job that has ended, and of one whose calls must stop. */
export const channels = { ended: `${CELL_PREFIX}:ended`, abort: `${CELL_PREFIX}:abort` };

export const CLASSIFY_QUEUE = 'classify';
export const SCORE_QUEUE = 'score';
export const FALLBACK_QUEUE = 'fallback';

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
