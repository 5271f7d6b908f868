import { createHash } from 'node:crypto';

import type { JobExperiments, JobRequest, JobState, UpshiftConfig } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { acceptJob, decide, draw } from '@upshift/routing';
import type { Decision, Health } from '@upshift/routing';

import type { NewJob, Refusal } from './acceptance-script.ts';
import { stepEntry } from './entries.ts';
import { armsOf, experimentsRun } from './experiments/arms.ts';
import type { Arms } from './experiments/arms.ts';
import { readHealth } from './health.ts';
import { globalKeys, metadataIndex, newJobId } from './names.ts';
import type { Pipeline } from './pipeline.ts';
import { requestText } from './request-text.ts';
import { stateText } from './state-text.ts';

/** A job that a client asks for. */
export interface Asked {
  request: JobRequest;
  /** The client's `Idempotency-Key`, under which a job is accepted once. */
  key: string | null;
  /** The span in which it is accepted, of which all its steps are children; null where it is not traced. */
  traceparent: string | null;
  /** In [0, 1): the source of the job's draws, where they must come out as they did before. */
  seed?: number | undefined;
}

/** What became of a request: a new job, or the one that the same key and body made before. */
export interface Accepted {
  id: string;
  created: boolean;
}

const HOUR_MS = 3_600_000;

/** Accepts one job. Throws a `ProblemError` where the request is refused. */
export async function accept(
  pipeline: Pipeline,
  request: JobRequest,
  claim: { key: string } | null,
  seed?: number,
): Promise<Accepted> {
  const [result] = await acceptAll(pipeline, [{ request, key: claim?.key ?? null, traceparent: null, seed }]);
  if (result === undefined || result instanceof Error) throw result;
  return result;
}

/**
 * Accepts jobs: for each its record, idempotency claim and first queue entry, all or nothing. Answers in their order; a job that is
 * refused, by a `ProblemError`, or could not be written harms no other.
 */
export async function acceptAll(pipeline: Pipeline, asked: Asked[]): Promise<(Accepted | Error)[]> {
  try {
    const known = await readKnown(pipeline, asked);
    const drafts = asked.map((one, position) => orError(() => draftOf(pipeline, one, position, known)));
    const written = await pipeline.accept(drafts.flatMap((draft) => ('job' in draft ? [draft.job] : [])));
    let next = 0;
    return drafts.map((draft) => ('job' in draft ? orError(() => resultOf(pipeline, draft, written[next++]!)) : draft));
  } catch (error) {
    return asked.map(() => errorOf(error));
  }
}

/** Accepts a job that only an experiment asked for: nobody is told of its end. The same key makes it once. */
export async function acceptShadow(
  pipeline: Pipeline,
  request: JobRequest,
  experiments: JobExperiments,
  { config, configVersion }: { config: UpshiftConfig; configVersion: string },
  key: string,
): Promise<void> {
  const now = Date.now();
  const id = newJobId(pipeline.cell, now);
  const accepted = acceptJob(request, config, { id, configVersion, seed: Math.random(), now });
  const state = { ...accepted, webhook: null, deadline: null, experiments };
  const facts = { config, health: await readHealth(pipeline), now, draw: draw(state.seed, 0) };
  // No client can take this key: theirs are printable.
  const claim = claimOf(pipeline, `\n${key}`, { fingerprint: '', id });
  const job = newJobOf(decide(state, { type: 'accepted' }, facts), request, requestText(request), { claim, always: true });
  const [reply] = await pipeline.accept([job]);
  if (reply instanceof Error) throw reply;
}

/** What must be read before jobs can be accepted; by their positions, or for all of them. */
interface Known {
  now: number;
  ids: string[];
  /** Who holds their keys already. */
  holders: (string | null)[];
  arms: (Arms | null)[];
  webhooks: Set<string>;
  health: Health;
}

async function readKnown(pipeline: Pipeline, asked: Asked[]): Promise<Known> {
  const now = Date.now();
  const ids = asked.map(() => newJobId(pipeline.cell, now));
  const [holders, arms, webhooks, health] = await Promise.all([
    readHolders(pipeline, asked),
    readArms(pipeline, asked, ids),
    readWebhooks(pipeline, asked),
    readHealth(pipeline),
  ]);
  return { now, ids, holders, arms, webhooks, health };
}

/** A repeated request gets its job even where it would not be accepted any more. */
async function readHolders({ redis, keys }: Pipeline, asked: Asked[]): Promise<(string | null)[]> {
  const claims = asked.flatMap(({ key }) => (key === null ? [] : [keys.idempotency(hashOf(key))]));
  if (claims.length === 0) return [];
  const found = await redis.mget(claims);
  let next = 0;
  return asked.map(({ key }) => (key === null ? null : (found[next++] ?? null)));
}

async function readArms(pipeline: Pipeline, asked: Asked[], ids: string[]): Promise<(Arms | null)[]> {
  if (!(await experimentsRun(pipeline))) return [];
  return Promise.all(asked.map(({ request }, position) => armsOf(pipeline, request, ids[position]!)));
}

/** Which of the endpoints that are named there are. */
async function readWebhooks({ redis, config }: Pipeline, asked: Asked[]): Promise<Set<string>> {
  const named = new Set(asked.map(({ request }) => request.webhook ?? routeOf(config, request)?.webhook ?? null));
  named.delete(null);
  const names = [...named] as string[];
  if (names.length === 0) return new Set();
  const there = await redis.smismember(globalKeys.webhooks, ...names);
  return new Set(names.filter((_, position) => there[position] === 1));
}

function routeOf({ routes }: UpshiftConfig, { route }: JobRequest): UpshiftConfig['routes'][string] | undefined {
  return Object.hasOwn(routes, route) ? routes[route] : undefined;
}

/** A job on its way to be written. */
interface Draft {
  job: NewJob;
  fingerprint: string;
}

function draftOf(pipeline: Pipeline, asked: Asked, position: number, known: Known): Draft | Accepted {
  const { config, configVersion } = pipeline;
  const { request, key, traceparent, seed = Math.random() } = asked;
  const text = requestText(request);
  const fingerprint = key === null ? '' : hashOf(text);
  const holder = known.holders[position] ?? null;
  if (holder !== null) return heldBy(holder, fingerprint);
  const { now, health } = known;
  const id = known.ids[position]!;
  const state = acceptJob(request, config, { id, configVersion, seed, now });
  const arms = known.arms[position] ?? null;
  if (arms) Object.assign(state, { experiments: arms.experiments, configVersion: arms.configVersion });
  refuseUnknownWebhook(state.webhook, request, known.webhooks);
  const decision = decide(state, { type: 'accepted' }, { config, health, now, draw: draw(state.seed, 0) });
  const claim = key === null ? null : claimOf(pipeline, key, { fingerprint, id });
  return { job: newJobOf(decision, request, text, { claim, traceparent }), fingerprint };
}

/** Before the job is accepted: afterwards nobody could be told. */
function refuseUnknownWebhook(webhook: string | null, request: JobRequest, known: Set<string>): void {
  if (webhook === null || known.has(webhook)) return;
  const message = `there is no webhook ${webhook}${request.webhook === null ? `, which route ${request.route} names` : ''}; POST /v1/webhooks makes one`;
  throw new ProblemError('unknown_webhook', message, { errors: [{ field: 'webhook', value: webhook, message }] });
}

type Claim = { key: string; value: string; keptMs: number };

function claimOf({ keys, config }: Pipeline, key: string, held: { fingerprint: string; id: string }): Claim {
  return {
    key: keys.idempotency(hashOf(key)),
    value: JSON.stringify(held),
    keptMs: Math.ceil(config.retention.idempotency_hours * HOUR_MS),
  };
}

interface Extras {
  claim: Claim | null;
  traceparent?: string | null;
  always?: boolean;
}

function newJobOf({ job, trail, commands }: Decision, request: JobRequest, text: string, extras: Extras): NewJob {
  const { id, status, route, task } = job;
  const first = commands.find((command) => command.type === 'enqueue');
  if (first === undefined) throw new Error(`job ${id} has no first step`);
  const entry = stepEntry(job, first.step, first.delayMs);
  const more = moreOf(job, request, extras);
  return { id, status, route, task, lines: trail.length, entry, state: stateText(job), request: text, more };
}

function moreOf(job: JobState, { metadata }: JobRequest, { claim, traceparent = null, always = false }: Extras): NewJob['more'] {
  const pairs = Object.entries(metadata);
  if (pairs.length === 0 && job.deadline === null && claim === null && traceparent === null && !always) return null;
  const fields = [
    // Beside the request, so that a status is looked up without it.
    ...(pairs.length === 0 ? [] : ['metadata', JSON.stringify(metadata)]),
    // Beside the state, not in it: no decision may depend on whether somebody watches.
    ...(traceparent === null ? [] : ['traceparent', traceparent]),
  ];
  return { fields, indexes: pairs.map(([key, value]) => metadataIndex(key, value)), deadline: job.deadline, claim, always };
}

function resultOf({ metrics, config }: Pipeline, { job, fingerprint }: Draft, reply: Refusal | Error | null): Accepted {
  if (reply instanceof Error) throw reply;
  if (reply?.[0] === 'backlog') throw backlogFull(config);
  const accepted = reply === null ? { id: job.id, created: true } : heldBy(reply[1], fingerprint);
  // The call was sent twice: what holds the key is this very job.
  if (accepted.id === job.id) accepted.created = true;
  if (accepted.created) metrics.jobsAccepted.inc({ route: job.route });
  return accepted;
}

function backlogFull({ intake }: UpshiftConfig): ProblemError {
  const message = `${intake.max_backlog} jobs are unfinished; try again later`;
  return new ProblemError('backlog_full', message, { retryAfterSeconds: 30 });
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

function orError<Result>(work: () => Result): Result | Error {
  try {
    return work();
  } catch (error) {
    return errorOf(error);
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
