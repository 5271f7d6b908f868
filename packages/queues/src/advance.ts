import type { Attempt, JobEvent, JobState, Step, TrailEntry, UpshiftConfig, Usage } from '@upshift/contracts';
import { isTerminal, readStoredConfig } from '@upshift/contracts';
import { decide, draw, gateLabelOf, hungUntilDeadline, wantsEarlierAnswer } from '@upshift/routing';
import type { Decision } from '@upshift/routing';
import type { Metrics } from '@upshift/runtime';

import { findEarlierAnswer, keepAnswer } from './earlier-answers.ts';
import { readHealth } from './health.ts';
import { readJob, write } from './job-store.ts';
import type { JobRecord } from './job-store.ts';
import { globalKeys } from './names.ts';
import type { Connection, Pipeline } from './pipeline.ts';
import type { HeldEntry } from './transition.ts';

/** What an event did to a job. `changed` is false where it no longer applied: a duplicate, or a late twin. */
export interface Advanced {
  job: JobState;
  changed: boolean;
}

/** What a consumer knows of the step that it has in hand, and what became of its entry. */
export interface Holding {
  held: HeldEntry;
  kind: Step['kind'];
  epoch: number;
  /** The job as it was last seen. */
  record: JobRecord;
  /** The entry is off the queue. */
  finished: boolean;
}

/** Writers of one job meet seldom, and each conflict means that another one got through. */
const MAX_CONFLICTS = 50;

/**
 * The one way in which a job moves: read its record, let `decide` answer the event, write record, trail and next queue
 * entry in one atomic step. Where another writer was faster the event is decided again on the newer record.
 *
 * @param fields more of the record to write in the same step, such as the answer that the event is about
 * @returns null where there is no such job (any more)
 */
export async function advance(
  pipeline: Pipeline,
  id: string,
  event: JobEvent,
  fields: Record<string, string> = {},
): Promise<Advanced | null> {
  return advanceFrom(pipeline, id, event, fields, await readJob(pipeline, id), null);
}

/** The same for a consumer: goes by the record that came with its entry, and takes the entry off the queue in the step that overtakes it. */
export async function advanceHeld(
  pipeline: Pipeline,
  id: string,
  holding: Holding,
  event: JobEvent,
  fields: Record<string, string> = {},
): Promise<Advanced | null> {
  return advanceFrom(pipeline, id, event, fields, holding.record, holding);
}

async function advanceFrom(
  pipeline: Pipeline,
  id: string,
  event: JobEvent,
  fields: Record<string, string>,
  known: JobRecord | null,
  holding: Holding | null,
): Promise<Advanced | null> {
  let record = known;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS && record !== null; conflicts += 1) {
    const advanced = await tryAdvance(pipeline, record, event, fields, holding);
    if (advanced) return advanced;
    record = await readJob(pipeline, id);
  }
  if (record === null) return null;
  throw new Error(`job ${id}: ${MAX_CONFLICTS} conflicts over ${event.type}`);
}

async function tryAdvance(
  pipeline: Pipeline,
  record: JobRecord,
  event: JobEvent,
  fields: Record<string, string>,
  holding: Holding | null,
): Promise<Advanced | null> {
  const { state, version } = record;
  // Who hung over a step that was begun anew meanwhile has no say in it. How a call ended is said of its attempt, whoever says it.
  if (holding !== null && holding.kind !== 'call' && state.epoch !== holding.epoch) return { job: state, changed: false };
  const config = await configOf(pipeline, state.configVersion);
  const decision = await decideOn(pipeline, state, event, config);
  if (decision.trail.length === 0 && decision.commands.length === 0) return { job: state, changed: false };
  const { job } = decision;
  const overtaken = holding !== null && (isTerminal(job.status) || job.epoch !== holding.epoch);
  const reply = await write(pipeline, config, decision, version, {
    before: state,
    fields,
    held: overtaken ? holding.held : null,
    label: event.type === 'judged' ? gateLabelOf(job, config, event.attempt, Date.now()) : null,
  });
  if (reply[0] !== 'ok') return null;
  if (holding) {
    holding.record = { ...record, state: job, version: record.version + 1 };
    holding.finished ||= overtaken;
  }
  count(pipeline, decision, config);
  await keepAnswer(pipeline, decision, config).catch((error: unknown) =>
    pipeline.logger.warn({ job: job.id, reason: String(error) }, 'could not keep an answer'),
  );
  return { job, changed: true };
}

async function decideOn(pipeline: Pipeline, state: JobState, event: JobEvent, config: UpshiftConfig): Promise<Decision> {
  const facts = { config, health: await readHealth(pipeline), now: Date.now(), draw: draw(state.seed, state.attempts.length) };
  const decision = decide(state, event, facts);
  if (!wantsEarlierAnswer(state, decision.job, config)) return decision;
  const earlierAnswer = await findEarlierAnswer(pipeline, state, config);
  return earlierAnswer === null ? decision : decide(state, event, { ...facts, earlierAnswer });
}

/** The configuration under which a job was accepted. */
export async function configOf({ redis, configs }: Connection, version: string): Promise<UpshiftConfig> {
  const known = configs.get(version);
  if (known) return known;
  const stored = await redis.get(globalKeys.config(version));
  if (stored === null) throw new Error(`configuration ${version} is not stored`);
  const config = readStoredConfig(stored);
  configs.set(version, config);
  return config;
}

/** The trail entries that end a job, with the status that they stand for. */
const endings = { 'job-completed': 'completed', 'job-failed': 'failed', 'job-cancelled': 'cancelled', 'job-expired': 'expired' };

/** A series that begins with an outage shows no increase, and alerts would miss it. */
export function countEndsFromZero({ metrics }: Connection): void {
  for (const status of Object.values(endings)) metrics.jobsEnded.inc({ status }, 0);
}

function count({ metrics }: Pipeline, decision: Decision, config: UpshiftConfig): void {
  for (const entry of decision.trail) countEntry(metrics, entry, decision, config);
}

function countEntry(metrics: Metrics, entry: TrailEntry, { job, trail }: Decision, config: UpshiftConfig): void {
  const { event, tier = '', model = '', error, score } = entry;
  // As with those that were accepted: nobody sent a shadow.
  if (event in endings && !job.experiments?.shadowOf) metrics.jobsEnded.inc({ status: endings[event as keyof typeof endings] });
  if (event === 'job-escalated') metrics.escalations.inc({ tier, reason: shortfallOf(trail) });
  if (event === 'answer-judged' && score !== undefined) metrics.verdictScore.observe({ tier }, score);
  if (event === 'attempt-settled' || event === 'attempt-failed') countCall(metrics, entry, job, config);
  if (event === 'attempt-waiting') metrics.deferrals.inc({ model, reason: error ?? 'retries' });
  if (event === 'job-failed-over') metrics.failovers.inc({ code: error ?? '' });
}

/** An attempt that ended without a call is no call that failed, nor one of 0 s. */
function countCall(
  metrics: Metrics,
  { tier = '', model = '', error, ...entry }: TrailEntry,
  job: JobState,
  config: UpshiftConfig,
): void {
  const attempt = job.attempts[(entry.attempt ?? 0) - 1];
  if (!attempt || !wasMade(attempt)) return;
  const outcome = hungUntilDeadline(job, attempt, config) ? 'deadline' : (error ?? 'answered');
  metrics.attempts.inc({ tier, model, outcome });
  metrics.costUsd.inc({ model }, entry.cost_usd ?? 0);
  metrics.callSeconds.observe({ tier, model }, (entry.model_ms ?? 0) / 1000);
  countTokens(metrics, model, attempt.usage);
}

/** These two are found after the attempt is marked as sent, and before the provider is asked. */
function wasMade({ sentAt, errorCode }: Attempt): boolean {
  return sentAt !== null && errorCode !== 'circuit_open' && errorCode !== 'provider_off';
}

/** The first gate that failed, or `score`: what the reason says in words, with few values. */
function shortfallOf(trail: TrailEntry[]): string {
  const checks = trail.flatMap((entry) => entry.checks ?? []);
  return checks.find(({ gate, passed }) => gate && !passed)?.type ?? 'score';
}

function countTokens({ tokens }: Metrics, model: string, usage: Usage | null): void {
  if (usage === null) return;
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
  tokens.inc({ model, type: 'input' }, Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens));
  tokens.inc({ model, type: 'cached_input' }, cachedInputTokens);
  tokens.inc({ model, type: 'cache_write' }, cacheWriteTokens);
  tokens.inc({ model, type: 'output' }, outputTokens);
}
