import type { Experiment, ExperimentStatus } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { badExperiment, conflictsOf, dependenciesOf, newExperimentState, sharesOf } from '@upshift/routing';
import type { ActiveExperiment, Dependencies } from '@upshift/routing';

import type { Cells } from '../cells/cells.ts';
import { globalKeys } from '../names.ts';
import type { Connection } from '../pipeline.ts';
import { isInForce, withDecision } from './record.ts';
import type { ExperimentRecord } from './record.ts';

/** Both may be sent twice, by a connection that broke off: they find what they have written then. */
const createScript = `
if redis.call('HGET', KEYS[1], ARGV[2]) == ARGV[3] then return 'ok' end
if (redis.call('GET', KEYS[3]) or '0') ~= ARGV[1] then return 'again' end
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then return 'exists' end
redis.call('INCR', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], ARGV[4])
return 'ok'`;

const replaceScript = `
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored ~= ARGV[2] then return stored == ARGV[3] and 1 or 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
if ARGV[4] == '' then redis.call('HDEL', KEYS[2], ARGV[1]) else redis.call('HSET', KEYS[2], ARGV[1], ARGV[4]) end
return 1`;

/** Starts an experiment. Throws a `ProblemError` where it does not fit the configuration or stands in another's way. */
export async function createExperiment(cells: Cells, document: Experiment): Promise<ExperimentRecord> {
  await refuseBad(cells, document);
  for (;;) {
    const made = (await cells.redis.get(globalKeys.experimentsMade)) ?? '0';
    if (await cells.redis.hexists(globalKeys.experiments, document.name)) throw nameIsTaken(document.name);
    const conflicts = conflictsOf(
      document,
      (await readUnfinishedExperiments(cells)).filter(isInForce).map((other) => other.document),
    );
    if (conflicts.length > 0) throw ProblemError.ofFields('experiment_conflict', conflicts);
    const record = await newRecord(cells, document);
    const reply = await cells.redis.eval(
      createScript,
      3,
      globalKeys.experiments,
      globalKeys.activeExperiments,
      globalKeys.experimentsMade,
      made,
      document.name,
      JSON.stringify(record),
      activeText(record),
    );
    if (reply === 'ok') return record;
    if (reply === 'exists') throw nameIsTaken(document.name);
  }
}

export async function readExperiment({ redis }: Connection, name: string): Promise<ExperimentRecord | null> {
  const text = await redis.hget(globalKeys.experiments, name);
  return text === null ? null : (JSON.parse(text) as ExperimentRecord);
}

/** All experiments, newest first. */
export async function readExperiments({ redis }: Connection): Promise<ExperimentRecord[]> {
  const records = (await redis.hvals(globalKeys.experiments)).map((text) => JSON.parse(text) as ExperimentRecord);
  return records.toSorted((one, other) => other.createdAt - one.createdAt);
}

/** The experiments that may still need something: those that are not known to be finished. */
export async function readUnfinishedExperiments({ redis }: Connection): Promise<ExperimentRecord[]> {
  const [names, finished] = await Promise.all([
    redis.hkeys(globalKeys.experiments),
    redis.smembers(globalKeys.finishedExperiments),
  ]);
  const done = new Set(finished);
  const left = names.filter((name) => !done.has(name));
  if (left.length === 0) return [];
  const texts = await redis.hmget(globalKeys.experiments, ...left);
  return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as ExperimentRecord]));
}

/** So that they are read no more. Nothing changes a finished experiment, so that this may come in a step of its own. */
export async function rememberFinished({ redis }: Connection, records: ExperimentRecord[]): Promise<void> {
  if (records.length > 0) await redis.sadd(globalKeys.finishedExperiments, ...records.map(({ document }) => document.name));
}

/** Changes an experiment as it is then: where somebody else was faster, once more. Null where there is none; `to` may leave it as it is. */
export async function changeExperiment(
  { redis }: Connection,
  name: string,
  to: (record: ExperimentRecord) => ExperimentRecord,
): Promise<ExperimentRecord | null> {
  for (;;) {
    const text = await redis.hget(globalKeys.experiments, name);
    if (text === null) return null;
    const changed = to(JSON.parse(text) as ExperimentRecord);
    const next = JSON.stringify(changed);
    if (next === text) return changed;
    const written = await redis.eval(
      replaceScript,
      2,
      globalKeys.experiments,
      globalKeys.activeExperiments,
      name,
      text,
      next,
      activeText(changed),
    );
    if (written === 1) return changed;
  }
}

function nameIsTaken(name: string): ProblemError {
  return new ProblemError(
    'experiment_exists',
    `there is an experiment ${name} already; its name is the salt of its arms: choose another one`,
  );
}

/** What intake reads of an experiment. */
export interface StoredActive extends ActiveExperiment {
  status: ExperimentStatus;
  dependsOn: Dependencies;
}

/** Empty where no job gets an arm of it any more. */
function activeText({ document, state, dependsOn }: ExperimentRecord): string {
  const shares = sharesOf(document, state);
  if (Object.keys(shares).length === 0) return '';
  const holds = document.kind === 'canary' && document.hold && state.status === 'running';
  return JSON.stringify({ document, shares, holds, status: state.status, dependsOn } satisfies StoredActive);
}

async function newRecord(cells: Cells, document: Experiment): Promise<ExperimentRecord> {
  const now = Date.now();
  const state = newExperimentState(document, Math.random(), now);
  const record: ExperimentRecord = {
    document,
    state,
    tallies: {},
    cursor: await lastOutcomes(cells),
    pending: [],
    history: [],
    series: [],
    plottedJobs: 0,
    dependsOn: dependenciesOf(document, cells.config),
    follow: [],
    skipped: 0,
    shadowCostUsd: 0,
    preferences: { candidate: 0, delivered: 0, same: 0 },
    releasedJobs: 0,
    rerunJobs: 0,
    createdAt: now,
    changedAt: now,
  };
  return withDecision(record, { state, actions: [{ type: 'announce', event: 'experiment.started' }] }, now);
}

/** The last outcome of each cell, as a cursor. */
async function lastOutcomes(cells: Cells): Promise<string> {
  const all = await cells.all();
  const last = await Promise.all(all.map(({ redis, keys }) => redis.xrevrange(keys.outcomes, '+', '-', 'COUNT', 1)));
  return last.map(([outcome]) => outcome?.[0] ?? '0').join();
}

async function refuseBad({ redis, config }: Pick<Connection, 'redis' | 'config'>, document: Experiment): Promise<void> {
  const { webhook } = document;
  const unknown = webhook !== undefined && !(await redis.sismember(globalKeys.webhooks, webhook));
  const errors = [
    ...badExperiment(document, config),
    ...(unknown
      ? [{ field: 'webhook', value: webhook, message: `there is no webhook ${webhook}; POST /v1/webhooks makes one` }]
      : []),
  ];
  if (errors.length > 0) throw ProblemError.ofFields('invalid_experiment', errors);
}
