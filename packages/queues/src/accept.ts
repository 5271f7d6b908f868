import { createHash } from 'node:crypto';

import type { JobExperiments, JobRequest, JobState, UpshiftConfig } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { acceptJob, decide, draw } from '@upshift/routing';
import type { Decision, Health } from '@upshift/routing';

import type { NewJob, Refusal } from './acceptance-script.ts';
import type { Cells, Placement } from './cells/cells.ts';
import { stepEntry } from './entries.ts';
import { armsOf, experimentsRun } from './experiments/arms.ts';
import type { Arms } from './experiments/arms.ts';
import { readHealth } from './health.ts';
import { globalKeys, indexesOf, metadataIndex, newJobId } from './names.ts';
import type { Pipeline } from './pipeline.ts';
import { requestText, sortedRequestText } from './request-text.ts';
import { keyKeptMs } from './retention.ts';
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
  /** The new job as it was accepted; null for one that was there before. */
  state: JobState | null;
}

/** Accepts one job. Throws a `ProblemError` where the request is refused. */
export async function accept(cells: Cells, request: JobRequest, claim: { key: string } | null, seed?: number): Promise<Accepted> {
  const [result] = await acceptAll(cells, [{ request, key: claim?.key ?? null, traceparent: null, seed }]);
  if (result instanceof Error) throw result;
  return result!;
}

/**
 * Accepts jobs: for each its record, idempotency claim and first queue entry, all or nothing. Answers in their order; a job that is
 * refused, by a `ProblemError`, or could not be written harms no other.
 */
export async function acceptAll(cells: Cells, asked: Asked[]): Promise<(Accepted | Error)[]> {
  try {
    const anywhere = await cells.place(null);
    const results = await acceptOnce(cells, asked, anywhere);
    for (const pipeline of anywhere.others) {
      // Its cell is full: a job without a key may go to another.
      const full = asked.flatMap(({ key }, position) => (key === null && isBacklogFull(results[position]!) ? [position] : []));
      if (full.length === 0) break;
      const again = await acceptOnce(
        cells,
        full.map((position) => asked[position]!),
        { ...anywhere, pipeline },
      );
      full.forEach((position, index) => (results[position] = again[index]!));
    }
    return results;
  } catch (error) {
    return asked.map(() => errorOf(error));
  }
}

/** @param anywhere where jobs without a key go */
async function acceptOnce(cells: Cells, asked: Asked[], anywhere: Placement): Promise<(Accepted | Error)[]> {
  try {
    const known = await readKnown(cells, asked, anywhere);
    const drafts = asked.map((one, position) => orError(() => draftOf(cells, one, position, known)));
    const replies = await writeDrafts(drafts.filter(isDraft));
    return drafts.map((draft) => (isDraft(draft) ? orError(() => resultOf(cells, draft, replies.get(draft)!)) : draft));
  } catch (error) {
    return asked.map(() => errorOf(error));
  }
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
  const claim = claimOf(pipeline, keyHash, { fingerprint: '', id });
  const extras = { text: requestText(request), claim, mostUnfinished: null };
  const [reply] = await pipeline.accept([newJobOf(decide(state, { type: 'accepted' }, facts), request, extras)]);
  if (reply instanceof Error) throw reply;
}

/** What must be read before jobs can be accepted; by their positions, or for all of them. */
interface Known {
  now: number;
  places: Place[];
  arms: (Arms | null)[];
  webhooks: Set<string>;
  health: Health;
}

/** Where a job goes, and under what. */
interface Place {
  placement: Placement;
  id: string;
  keyHash: string | null;
  /** Who holds its key already. */
  holder: string | null;
}

async function readKnown(cells: Cells, asked: Asked[], anywhere: Placement): Promise<Known> {
  const now = Date.now();
  const places = await readPlaces(cells, asked, anywhere, now);
  const [arms, webhooks, health] = await Promise.all([
    readArms(cells, asked, places),
    readWebhooks(cells, asked),
    readHealth(cells),
  ]);
  return { now, places, arms, webhooks, health };
}

/** Jobs without a key go to one cell together; one with a key to the cell of its key. */
function readPlaces(cells: Cells, asked: Asked[], anywhere: Placement, now: number): Promise<Place[]> {
  return Promise.all(
    asked.map(async ({ key }) => {
      if (key !== null) return placeOf(cells, hashOf(key), now);
      return { placement: anywhere, id: newJobId(anywhere.pipeline.cell, now), keyHash: null, holder: null };
    }),
  );
}

async function placeOf(cells: Cells, keyHash: string, now: number): Promise<Place> {
  const placement = await cells.place(keyHash);
  // Before anything else: a repeated request gets its job even where it would not be accepted any more.
  const holder = await heldClaim(placement, keyHash);
  return { placement, id: newJobId(placement.pipeline.cell, now), keyHash, holder };
}

/** The claim of a key, in its cell or in one that was its cell before. */
async function heldClaim({ pipeline, earlier }: Placement, keyHash: string): Promise<string | null> {
  const claims = await Promise.all([pipeline, ...earlier].map(({ redis, keys }) => redis.get(keys.idempotency(keyHash))));
  return claims.find((claim) => claim !== null) ?? null;
}

async function readArms(cells: Cells, asked: Asked[], places: Place[]): Promise<(Arms | null)[]> {
  if (!(await experimentsRun(cells))) return [];
  return Promise.all(asked.map(({ request }, position) => armsOf(cells, request, places[position]!.id)));
}

/** Which of the endpoints that are named there are. */
async function readWebhooks({ redis, config }: Cells, asked: Asked[]): Promise<Set<string>> {
  const names = [...new Set(asked.flatMap(({ request }) => webhooksOf(request, config).map(({ name }) => name)))];
  if (names.length === 0) return new Set();
  const there = await redis.smismember(globalKeys.webhooks, ...names);
  return new Set(names.filter((_, position) => there[position] === 1));
}

interface NamedWebhook {
  name: string;
  field: string;
  /** The route that names it; null for the job itself. */
  route: string | null;
}

/** The verifiers that the job itself names, and who is told of its end. */
function webhooksOf({ webhook, checks, route }: JobRequest, { routes }: UpshiftConfig): NamedWebhook[] {
  const verifiers = checks.flatMap((check, at) =>
    check.type === 'verifier' ? [{ name: check.webhook, field: `checks[${at}].webhook`, route: null }] : [],
  );
  const told = webhook ?? (Object.hasOwn(routes, route) ? routes[route]!.webhook : undefined);
  if (told === undefined) return verifiers;
  return [...verifiers, { name: told, field: 'webhook', route: webhook === null ? route : null }];
}

/** A job on its way to be written. */
interface Draft {
  pipeline: Pipeline;
  job: NewJob;
  state: JobState;
  request: JobRequest;
}

function isDraft(draft: Draft | Accepted | Error): draft is Draft {
  return 'job' in draft;
}

function draftOf(cells: Cells, asked: Asked, position: number, known: Known): Draft | Accepted {
  const { config, configVersion } = cells;
  const { request, traceparent, seed = Math.random() } = asked;
  const { placement, id, keyHash, holder } = known.places[position]!;
  const { pipeline } = placement;
  const text = requestText(request);
  if (holder !== null) return heldBy(holder, request, text);
  const { now, health } = known;
  const arms = known.arms[position] ?? null;
  const state = acceptJob(request, arms?.baseConfig ?? config, { id, configVersion, seed, now, health });
  if (arms) Object.assign(state, { experiments: arms.experiments, configVersion: arms.configVersion });
  refuseUnknownWebhook(webhooksOf(request, config), known.webhooks);
  const decision = decide(state, { type: 'accepted' }, { config, health, now, draw: draw(state.seed, 0) });
  const claim = keyHash === null ? null : claimOf(pipeline, keyHash, { fingerprint: fingerprintOf(request), id });
  const mostUnfinished = Math.ceil(config.intake.max_backlog / placement.cells);
  const job = newJobOf(decision, request, { text, claim, traceparent, mostUnfinished });
  return { pipeline, job, state: decision.job, request };
}

/** Those of a cell go together. */
async function writeDrafts(drafts: Draft[]): Promise<Map<Draft, Refusal | Error | null>> {
  const replies = new Map<Draft, Refusal | Error | null>();
  const ofCells = [...Map.groupBy(drafts, ({ pipeline }) => pipeline)];
  await Promise.all(
    ofCells.map(async ([pipeline, ofCell]) => {
      const written = await pipeline.accept(ofCell.map(({ job }) => job));
      ofCell.forEach((draft, position) => replies.set(draft, written[position]!));
    }),
  );
  return replies;
}

/** Before the job is accepted: afterwards nobody could be told. */
function refuseUnknownWebhook(named: NamedWebhook[], known: Set<string>): void {
  const unknown = named.find(({ name }) => !known.has(name));
  if (unknown === undefined) return;
  const { name, field, route } = unknown;
  const message = `there is no webhook ${name}${route === null ? '' : `, which route ${route} names`}; POST /v1/webhooks makes one`;
  throw new ProblemError('unknown_webhook', message, { errors: [{ field, value: name, message }] });
}

type Claim = { key: string; value: string; keptMs: number };

function claimOf({ keys, config }: Pipeline, keyHash: string, held: { fingerprint: string; id: string }): Claim {
  return { key: keys.idempotency(keyHash), value: JSON.stringify(held), keptMs: keyKeptMs(config) };
}

interface Extras {
  /** Of the request, as it is stored. */
  text: string;
  claim: Claim | null;
  traceparent?: string | null;
  mostUnfinished: number | null;
}

function newJobOf({ job, trail, commands }: Decision, request: JobRequest, extras: Extras): NewJob {
  const { id, status, route, task } = job;
  const { text, mostUnfinished } = extras;
  const first = commands.find((command) => command.type === 'enqueue');
  if (first === undefined) throw new Error(`job ${id} has no first step`);
  const entry = stepEntry(job, first.step, first.delayMs);
  const more = moreOf(job, request, extras);
  const shared = { status, route, task, lines: trail.length, mostUnfinished, indexes: indexesOf(job, {}) };
  return { id, ...shared, entry, state: stateText(job), request: text, more };
}

function moreOf(job: JobState, { metadata }: JobRequest, { claim, traceparent = null }: Extras): NewJob['more'] {
  const pairs = Object.entries(metadata);
  if (pairs.length === 0 && job.deadline === null && claim === null && traceparent === null) return null;
  const fields = [
    // Beside the request, so that a status is looked up without it.
    ...(pairs.length === 0 ? [] : ['metadata', JSON.stringify(metadata)]),
    // Beside the state, not in it: no decision may depend on whether somebody watches.
    ...(traceparent === null ? [] : ['traceparent', traceparent]),
  ];
  return { fields, indexes: pairs.map(([key, value]) => metadataIndex(key, value)), deadline: job.deadline, claim };
}

function resultOf({ metrics, config }: Cells, { job, state, request }: Draft, reply: Refusal | Error | null): Accepted {
  if (reply instanceof Error) throw reply;
  if (reply?.[0] === 'backlog') throw backlogFull(config);
  const holder = reply === null ? null : heldBy(reply[1], request, job.request);
  // Where the call was sent twice, what holds the key is this very job.
  if (holder !== null && holder.id !== job.id) return holder;
  metrics.jobsAccepted.inc({ route: job.route });
  return { id: job.id, created: true, state };
}

function isBacklogFull(result: Accepted | Error): boolean {
  return result instanceof ProblemError && result.code === 'backlog_full';
}

function backlogFull({ intake }: UpshiftConfig): ProblemError {
  const message = `${intake.max_backlog} jobs are unfinished; try again later`;
  return new ProblemError('backlog_full', message, { retryAfterSeconds: 30 });
}

/** By which a repeated request is known. */
function fingerprintOf(request: JobRequest): string {
  return hashOf(sortedRequestText(request));
}

/** @param text the request as it is stored, by which claims of earlier versions know it */
function heldBy(claim: string, request: JobRequest, text: string): Accepted {
  const held = JSON.parse(claim) as { fingerprint: string; id: string };
  if ([fingerprintOf(request), hashOf(text)].includes(held.fingerprint)) return { id: held.id, created: false, state: null };
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
