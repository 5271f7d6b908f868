import { createHash } from 'node:crypto';

import type { JobExperiments, JobRequest, JobState, UnifiedResponse, UpshiftConfig } from '@upshift/contracts';
import { isTerminal, ProblemError } from '@upshift/contracts';
import { acceptJob, decide, draw, outcomeOf } from '@upshift/routing';
import type { Decision } from '@upshift/routing';
import { currentTraceparent } from '@upshift/runtime';

import type { Cells, Placement } from './cells/cells.ts';
import { deliveryEntry, deliveryEventOf, queueEntryOf, stepEntry } from './entries.ts';
import type { Entry } from './entries.ts';
import { armsOf } from './experiments/arms.ts';
import { readHealth } from './health.ts';
import { channels, globalKeys, indexesOf, newJobId } from './names.ts';
import type { Connection, Pipeline } from './pipeline.ts';
import { parseRequest, requestText } from './request-text.ts';
import { parseState, stateText } from './state-text.ts';
import { countersOf } from './stats.ts';
import { trailField } from './trail.ts';
import type { HeldEntry, TransitionReply } from './transition-script.ts';

/** A job's record. The version fences writes: one made on an older version is refused. */
export interface JobRecord {
  state: JobState;
  version: number;
  /** The span in which the job was accepted, of which all its steps are children; null where it is not traced. */
  traceparent: string | null;
}

export interface Claim {
  /** The client's `Idempotency-Key`. */
  key: string;
}

/** What became of a request: a new job, or the one that the same key and body made before. */
export interface Accepted {
  id: string;
  created: boolean;
}

const HOUR_MS = 3_600_000;

/**
 * Record, idempotency claim and first queue entry in one atomic step. Throws a `ProblemError` where the request is refused.
 *
 * @param seed in [0, 1): the source of the job's draws, where they must come out as they did before
 */
export async function accept(cells: Cells, request: JobRequest, claim: Claim | null, seed = Math.random()): Promise<Accepted> {
  const stored = requestText(request);
  const key = claim === null ? null : { hash: hashOf(claim.key), fingerprint: hashOf(stored) };
  const placement = await cells.place(key?.hash ?? null);
  // Before anything else: a repeated request gets its job even where it would not be accepted any more.
  const held = key === null ? null : await heldClaim(placement, key.hash);
  if (key !== null && held !== null) return heldBy(held, key.fingerprint);
  const { max_backlog: maxBacklog } = cells.config.intake;
  for (const pipeline of [placement.pipeline, ...placement.others]) {
    const share = Math.ceil(maxBacklog / placement.cells);
    const accepted = await acceptIn(pipeline, request, { stored, key, seed, maxBacklog: share });
    if (accepted !== 'backlog') return accepted;
  }
  throw new ProblemError('backlog_full', `${maxBacklog} jobs are unfinished; try again later`, { retryAfterSeconds: 30 });
}

interface NewJob {
  /** The text in which the request is stored. */
  stored: string;
  key: { hash: string; fingerprint: string } | null;
  seed: number;
  /** Of the cell. */
  maxBacklog: number;
}

async function acceptIn(
  pipeline: Pipeline,
  request: JobRequest,
  { stored, key, seed, maxBacklog }: NewJob,
): Promise<Accepted | 'backlog'> {
  const { config, configVersion } = pipeline;
  const now = Date.now();
  const id = newJobId(pipeline.cell, now);
  const state = acceptJob(request, config, { id, configVersion, seed, now });
  const arms = await armsOf(pipeline, request, id);
  if (arms) Object.assign(state, { experiments: arms.experiments, configVersion: arms.configVersion });
  await refuseUnknownWebhook(pipeline, state.webhook, request);
  const facts = { config, health: await readHealth(pipeline), now, draw: draw(state.seed, 0) };
  const decision = decide(state, { type: 'accepted' }, facts);
  const reply = await write(pipeline, config, decision, 0, {
    before: null,
    metadata: request.metadata,
    fields: { request: stored, ...metadataField(request), ...traceField() },
    claim: key && { keyHash: key.hash, value: JSON.stringify({ fingerprint: key.fingerprint, id }) },
    maxBacklog,
  });
  if (reply[0] === 'ok') pipeline.metrics.jobsAccepted.inc({ route: request.route });
  if (reply[0] === 'ok') return { id, created: true };
  if (reply[0] === 'held' && key !== null) return heldBy(reply[1], key.fingerprint);
  if (reply[0] === 'backlog') return 'backlog';
  throw new Error(`job id ${id} was taken`);
}

/** Accepts a job that only an experiment asked for: nobody is told of its end. The same key makes it once. */
export async function acceptShadow(
  cells: Cells,
  request: JobRequest,
  experiments: JobExperiments,
  { config, configVersion }: { config: UpshiftConfig; configVersion: string },
  key: string,
): Promise<void> {
  // No client can take this key: theirs are printable.
  const keyHash = hashOf(`\n${key}`);
  const placement = await cells.place(keyHash);
  if ((await heldClaim(placement, keyHash)) !== null) return;
  const { pipeline } = placement;
  const now = Date.now();
  const id = newJobId(pipeline.cell, now);
  const accepted = acceptJob(request, config, { id, configVersion, seed: Math.random(), now });
  const state = { ...accepted, webhook: null, deadline: null, experiments };
  const facts = { config, health: await readHealth(pipeline), now, draw: draw(state.seed, 0) };
  await write(pipeline, config, decide(state, { type: 'accepted' }, facts), 0, {
    before: null,
    metadata: request.metadata,
    fields: { request: requestText(request), ...metadataField(request) },
    claim: { keyHash, value: JSON.stringify({ fingerprint: '', id }) },
  });
}

/** The claim of a key, in its cell or in one that was its cell before. */
async function heldClaim({ pipeline, earlier }: Placement, keyHash: string): Promise<string | null> {
  const claims = await Promise.all([pipeline, ...earlier].map(({ redis, keys }) => redis.get(keys.idempotency(keyHash))));
  return claims.find((claim) => claim !== null) ?? null;
}

/** Beside the request, so that a status is looked up without it; most jobs have none. */
function metadataField({ metadata }: JobRequest): { metadata?: string } {
  return Object.keys(metadata).length === 0 ? {} : { metadata: JSON.stringify(metadata) };
}

/** Beside the state, not in it: no decision may depend on whether somebody watches. */
function traceField(): { traceparent?: string } {
  const traceparent = currentTraceparent();
  return traceparent === null ? {} : { traceparent };
}

/** Before the job is accepted: afterwards nobody could be told. */
async function refuseUnknownWebhook({ redis }: Connection, webhook: string | null, request: JobRequest): Promise<void> {
  if (webhook === null || (await redis.sismember(globalKeys.webhooks, webhook))) return;
  const message = `there is no webhook ${webhook}${request.webhook === null ? `, which route ${request.route} names` : ''}; POST /v1/webhooks makes one`;
  throw new ProblemError('unknown_webhook', message, { errors: [{ field: 'webhook', value: webhook, message }] });
}

export async function readJob(pipeline: Pipeline, id: string): Promise<JobRecord | null> {
  const [state, version, traceparent = null] = await pipeline.redis.hmget(
    pipeline.keys.job(id),
    'state',
    'version',
    'traceparent',
  );
  return state && version ? { state: parseState(id, state), version: Number(version), traceparent } : null;
}

export async function readRequest(pipeline: Pipeline, id: string): Promise<JobRequest | null> {
  const request = await pipeline.redis.hget(pipeline.keys.job(id), 'request');
  return request ? parseRequest(request) : null;
}

export async function readAnswer(pipeline: Pipeline, id: string, attempt: number): Promise<UnifiedResponse | null> {
  const answer = await pipeline.redis.hget(pipeline.keys.job(id), `answer:${attempt}`);
  return answer ? (JSON.parse(answer) as UnifiedResponse) : null;
}

export interface Extras {
  /** The job as it was; null for a new one. */
  before: JobState | null;
  /** Of a new job. */
  metadata?: Record<string, string>;
  fields?: Record<string, string>;
  /** The hash of the idempotency key, in hex, and what is stored under it. */
  claim?: { keyHash: string; value: string } | null;
  maxBacklog?: number;
  /** The entry that the decision overtakes. */
  held?: HeldEntry | null;
}

/** Carries out a decision: writes the record and does its commands, all or nothing. */
export async function write(
  pipeline: Pipeline,
  config: UpshiftConfig,
  decision: Decision,
  version: number,
  extras: Extras,
): Promise<TransitionReply> {
  const { job, trail, commands } = decision;
  const { before, claim } = extras;
  const next = entryOf(decision, config);
  const ended = isTerminal(job.status);
  const outcome = outcomeOf(before, decision, Date.now());
  return pipeline.writer.write({
    id: job.id,
    version,
    status: job.status,
    route: job.route,
    task: job.task ?? '',
    fields: Object.entries({ state: stateText(job), ...trailField(trail, version + 1), ...extras.fields }).flat(),
    lines: trail.length,
    counters: countersOf(decision, config, Date.now()).flat(),
    ...indexChanges(job, extras),
    keptMs: ended ? Math.ceil(config.retention.job_hours * HOUR_MS) : null,
    deadline: job.deadline,
    reopened: before !== null && isTerminal(before.status) && !ended,
    claim: claim ? claimOf(pipeline, claim, config) : null,
    maxBacklog: extras.maxBacklog ?? null,
    entry: next === null ? null : await queueEntryOf(pipeline, next),
    held: extras.held ?? null,
    outcome: outcome && JSON.stringify(outcome),
    publish: commands.flatMap(({ type }) => (type === 'deliver' ? [channels.ended] : type === 'abort' ? [channels.abort] : [])),
  });
}

function claimOf({ keys }: Pipeline, { keyHash, value }: NonNullable<Extras['claim']>, config: UpshiftConfig) {
  return { key: keys.idempotency(keyHash), value, keptMs: Math.ceil(config.retention.idempotency_hours * HOUR_MS) };
}

/** What the decision puts on a queue: the job's next step, or at its end the word to an endpoint. */
function entryOf({ job, commands }: Decision, config: UpshiftConfig): Entry | null {
  const next = commands.find((command) => command.type === 'enqueue');
  if (next) return stepEntry(job, next.step, next.delayMs);
  const ends = commands.some((command) => command.type === 'deliver');
  if (!ends || !job.webhook) return null;
  const { id, revision, webhook } = job;
  return deliveryEntry({ job: id, revision, webhook, event: deliveryEventOf(job), redelivery: 0 }, config);
}

function indexChanges(job: JobState, { before, metadata = {} }: Extras): { enters: string[]; leaves: string[] } {
  if (before !== null && before.status === job.status && before.task === job.task && before.experiments === job.experiments)
    return { enters: [], leaves: [] };
  const old = new Set(before === null ? [] : indexesOf(before, {}));
  const now = new Set(indexesOf(job, metadata));
  return { enters: [...now].filter((name) => !old.has(name)), leaves: [...old].filter((name) => !now.has(name)) };
}

function heldBy(claim: string, fingerprint: string): Accepted {
  const held = JSON.parse(claim) as { fingerprint: string; id: string };
  if (held.fingerprint === fingerprint) return { id: held.id, created: false };
  throw new ProblemError('idempotency_key_reused', 'this Idempotency-Key was used with another body', {
    errors: [{ field: 'Idempotency-Key', message: `belongs to ${held.id}; use a new key for a new job` }],
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
