import type { CheckOutcome, JobRequest, JobState, UnifiedResponse, UpshiftConfig } from '@upshift/contracts';
import { isTerminal } from '@upshift/contracts';
import { acceptanceOf, outcomeOf } from '@upshift/routing';
import type { Decision, UnseenLabel } from '@upshift/routing';

import { countersOf } from './counters.ts';
import { deliveryEntry, deliveryEventOf, queueEntryOf, stepEntry } from './entries.ts';
import type { Entry } from './entry.ts';
import { channels, indexesOf } from './names.ts';
import type { Pipeline } from './pipeline.ts';
import { parseRequest } from './request-text.ts';
import { jobKeptMs } from './retention.ts';
import { parseState, stateText } from './state-text.ts';
import { trailFieldName, trailText } from './trail.ts';
import type { HeldEntry, TransitionReply } from './transition.ts';

/** A job's record. The version fences writes: one made on an older version is refused. It is 0 until something happens to the job. */
export interface JobRecord {
  state: JobState;
  version: number;
  /** The span in which the job was accepted, of which all its steps are children; null where it is not traced. */
  traceparent: string | null;
}

export async function readJob(pipeline: Pipeline, id: string): Promise<JobRecord | null> {
  const [state, version, traceparent = null] = await pipeline.redis.hmget(
    pipeline.keys.job(id),
    'state',
    'version',
    'traceparent',
  );
  return state ? { state: parseState(id, state), version: Number(version ?? 0), traceparent } : null;
}

export async function readRequest(pipeline: Pipeline, id: string): Promise<JobRequest | null> {
  const request = await pipeline.redis.hget(pipeline.keys.job(id), 'request');
  return request ? parseRequest(request) : null;
}

export async function readAnswer(pipeline: Pipeline, id: string, attempt: number): Promise<UnifiedResponse | null> {
  const answer = await pipeline.redis.hget(pipeline.keys.job(id), `answer:${attempt}`);
  return answer ? (JSON.parse(answer) as UnifiedResponse) : null;
}

/** The field in which a job keeps what a verifier said of an answer by one of its checks. */
export function verifiedField(attempt: number, check: number): string {
  return `verified:${attempt}:${check}`;
}

/** What a verifier has said already; null where it was not asked yet. */
export async function readVerified(pipeline: Pipeline, id: string, attempt: number, check: number): Promise<CheckOutcome | null> {
  const outcome = await pipeline.redis.hget(pipeline.keys.job(id), verifiedField(attempt, check));
  return outcome ? (JSON.parse(outcome) as CheckOutcome) : null;
}

export interface Extras {
  /** The job as it was. */
  before: JobState;
  fields: Record<string, string>;
  /** The entry that the decision overtakes. */
  held: HeldEntry | null;
  /** What became of the answer that the decision is about. */
  label: UnseenLabel | null;
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
  const { before } = extras;
  const next = entryOf(decision);
  const ended = isTerminal(job.status);
  const outcome = outcomeOf(before, decision, Date.now());
  return pipeline.writer.write({
    id: job.id,
    version,
    status: job.status,
    route: job.route,
    task: job.task ?? '',
    fields: fieldsOf(before, decision, version, extras.fields),
    lines: trail.length,
    counters: countersOf(before, decision, config).flat(),
    ...indexChanges(before, job),
    keptMs: ended ? jobKeptMs(config) : null,
    deadline: job.deadline,
    reopened: isTerminal(before.status) && !ended,
    entry: next === null ? null : await queueEntryOf(pipeline, next),
    held: extras.held,
    outcome: outcome && JSON.stringify(outcome),
    label: extras.label && JSON.stringify(extras.label),
    publish: commands.flatMap(({ type }) => (type === 'deliver' ? [channels.ended] : type === 'abort' ? [channels.abort] : [])),
  });
}

/**
 * Pairs of the record: the state, what is new in the trail (with the first step also what the job has told of its acceptance until then), and
 * an earlier answer that is given.
 */
function fieldsOf(before: JobState, { job, trail, commands }: Decision, version: number, more: Record<string, string>): string[] {
  const fields = ['state', stateText(job)];
  if (version === 0) fields.push(trailFieldName(0), trailText(acceptanceOf(before)));
  if (trail.length > 0) fields.push(trailFieldName(version + 1), trailText(trail));
  for (const command of commands) if (command.type === 'store-answer') fields.push(`answer:${command.attempt}`, command.answer);
  for (const [name, value] of Object.entries(more)) fields.push(name, value);
  return fields;
}

/** What the decision puts on a queue: the job's next step, or at its end the word to an endpoint. */
function entryOf({ job, commands }: Decision): Entry | null {
  const next = commands.find((command) => command.type === 'enqueue');
  if (next) return stepEntry(job, next.step, next.delayMs);
  const ends = commands.some((command) => command.type === 'deliver');
  if (!ends || !job.webhook) return null;
  const { id, revision, webhook } = job;
  return deliveryEntry({ job: id, revision, webhook, event: deliveryEventOf(job), redelivery: 0 });
}

function indexChanges(before: JobState, job: JobState): { enters: string[]; leaves: string[] } {
  // As in most steps: no set is made in vain.
  if (before.status === job.status && before.task === job.task && before.experiments === job.experiments)
    return { enters: [], leaves: [] };
  const old = new Set(indexesOf(before, {}));
  const now = new Set(indexesOf(job, {}));
  return { enters: [...now].filter((name) => !old.has(name)), leaves: [...old].filter((name) => !now.has(name)) };
}
