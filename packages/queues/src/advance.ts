import type { JobEvent, JobState, Step, UpshiftConfig } from '@upshift/contracts';
import { isTerminal, readStoredConfig } from '@upshift/contracts';
import { decide, draw, gateLabelOf, wantsEarlierAnswer } from '@upshift/routing';
import type { Decision } from '@upshift/routing';

import { findEarlierAnswer, keepAnswer } from './earlier-answers.ts';
import { readHealth } from './health.ts';
import { readJob, write } from './job-store.ts';
import type { JobRecord } from './job-store.ts';
import { measure } from './measure.ts';
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
  return advanceFrom(pipeline, await readJob(pipeline, id), event, fields, null);
}

/** The same for a consumer: goes by the record that came with its entry, and takes the entry off the queue in the step that overtakes it. */
export async function advanceHeld(
  pipeline: Pipeline,
  holding: Holding,
  event: JobEvent,
  fields: Record<string, string> = {},
): Promise<Advanced | null> {
  return advanceFrom(pipeline, holding.record, event, fields, holding);
}

async function advanceFrom(
  pipeline: Pipeline,
  known: JobRecord | null,
  event: JobEvent,
  fields: Record<string, string>,
  holding: Holding | null,
): Promise<Advanced | null> {
  let record = known;
  for (let conflicts = 0; record !== null; conflicts += 1) {
    const { id } = record.state;
    if (conflicts === MAX_CONFLICTS) throw new Error(`job ${id}: ${MAX_CONFLICTS} conflicts over ${event.type}`);
    const advanced = await tryAdvance(pipeline, record, event, fields, holding);
    if (advanced) return advanced;
    record = await readJob(pipeline, id);
  }
  return null;
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
  measure(pipeline.metrics, decision, config);
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
