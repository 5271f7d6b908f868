import type { EstimateView, SeriesPoint } from '@upshift/contracts';
import { addOutcome, dependencyText, endExperiment, evaluateExperiment, resultsOf } from '@upshift/routing';
import type { ExperimentDecision, Outcome } from '@upshift/routing';

import type { Cells } from '../cells/cells.ts';
import { compareIds } from '../event-feed.ts';
import { announce } from './announce.ts';
import { releaseHeld, rerunBeforeDeadline, rerunHeld } from './held-jobs.ts';
import { followOutcome, isOwnCost } from './shadows.ts';
import type { Preference } from './shadows.ts';
import { changeExperiment, isInForce, readExperiments } from './store.ts';
import type { ExperimentRecord } from './store.ts';

/** Outcomes read at a time. */
const BATCH = 10_000;
/** What was held so shortly before a decision may not have been counted in it, and clocks differ: it waits for the next one, in ms. */
const UNCERTAIN_MS = 1000;
/** How long the outcomes of jobs under way are still counted after an experiment has ended, in ms. */
const COUNTED_AFTER_END_MS = 24 * 3_600_000;
/** Points of the plots; when there are more, every other one goes. */
const MOST_POINTS = 60;

/**
 * Looks at every experiment: counts what its jobs came to, decides, writes that down, and then does what was decided. A crash at
 * any point loses nothing: outcomes are counted in the same write as the decision, and what is yet to be done stands in the record.
 */
export async function evaluateExperiments(cells: Cells): Promise<number> {
  const records = (await readExperiments(cells)).filter(
    (record) => isInForce(record) || Date.now() - record.changedAt < COUNTED_AFTER_END_MS,
  );
  for (const record of records)
    await evaluateOne(cells, record).catch((error: unknown) =>
      cells.logger.error({ experiment: record.document.name, reason: String(error) }, 'experiment not evaluated'),
    );
  await trimOutcomes(cells);
  return records.length;
}

async function evaluateOne(cells: Cells, { document: { name }, cursor }: ExperimentRecord): Promise<void> {
  const now = Date.now();
  const news = await readOutcomes(cells, cursor);
  const record = await changeExperiment(cells, name, (record) => {
    // Another evaluator was faster: it has counted these.
    if (record.cursor !== cursor) return record;
    // Nothing is decided on a part of what has happened.
    return news.all ? evaluated(cells, counted(record, news), now) : counted(record, news);
  });
  if (record !== null) await carryOut(cells, record);
}

interface News {
  /** In the order in which they came. */
  outcomes: Outcome[];
  /** The cursor behind them. */
  cursor: string;
  /** Whether there are no more. */
  all: boolean;
}

/** The outcomes of all cells after a cursor. */
async function readOutcomes(cells: Cells, cursor: string): Promise<News> {
  const all = await cells.all();
  const from = all.map((_, number) => idOf(cursor, number));
  const read = await Promise.all(
    all.map(({ redis, keys }, number) => redis.xrange(keys.outcomes, `(${from[number]}`, '+', 'COUNT', BATCH)),
  );
  const entries = read.flat().toSorted(([one], [other]) => compareIds(one, other));
  return {
    outcomes: entries.map(([, fields]) => JSON.parse(fields[1]!) as Outcome),
    cursor: read.map((ofCell, number) => ofCell.at(-1)?.[0] ?? from[number]).join(),
    all: read.every(({ length }) => length < BATCH),
  };
}

/** A cell's part of a cursor; a cell that it does not name was not there then. */
function idOf(cursor: string, cell: number): string {
  return cursor.split(',')[cell] ?? '0';
}

/** How many outcomes of a shadow are followed between two evaluations: it must not crowd the queues. */
const FOLLOWED_AT_ONCE = 200;

function counted(record: ExperimentRecord, { outcomes, cursor }: News): ExperimentRecord {
  const { document } = record;
  const own =
    document.kind === 'shadow' ? outcomes.filter(({ arms }) => arms.some(({ experiment }) => experiment === document.name)) : [];
  const cost = own
    .filter((outcome) => document.kind === 'shadow' && isOwnCost(document, outcome))
    .reduce((sum, { observation }) => sum + (observation?.metrics.cost_usd ?? 0), 0);
  return {
    ...record,
    follow: [...record.follow, ...own.filter(({ observation }) => observation !== null)],
    shadowCostUsd: record.shadowCostUsd + cost,
    tallies: outcomes.reduce((tallies, outcome) => addOutcome(tallies, record.document, outcome), record.tallies),
    cursor,
  };
}

function evaluated(cells: Cells, record: ExperimentRecord, now: number): ExperimentRecord {
  const { document, state, tallies, dependsOn } = record;
  const depends = dependencyText(document, cells.config);
  if (isInForce(record) && depends !== dependsOn)
    return withDecision(record, endExperiment(state, `the configuration of route ${document.route} has changed`), now);
  if (document.kind === 'shadow' && state.status === 'running' && record.shadowCostUsd >= document.budget_usd)
    return withDecision(record, endExperiment(state, `its budget of ${document.budget_usd} USD is spent`), now);
  return withSeries(withDecision(record, evaluateExperiment(document, state, tallies, now), now), now);
}

/** The record after a decision, with what must be done about it. */
export function withDecision(record: ExperimentRecord, { state, actions }: ExperimentDecision, now: number): ExperimentRecord {
  const at = new Date(now).toISOString();
  const entries = actions.flatMap((action) =>
    action.type === 'announce' ? [{ at, event: action.event, status: state.status, reason: state.reason }] : [],
  );
  return {
    ...record,
    state,
    pending: [...record.pending, ...actions.map((action) => ({ ...action, before: now }))],
    history: [...record.history, ...entries],
    changedAt: actions.length > 0 ? now : record.changedAt,
  };
}

/** A point for the plots, where jobs have come since the last one. */
function withSeries(record: ExperimentRecord, now: number): ExperimentRecord {
  const jobs = Object.values(record.tallies).reduce((sum, tally) => sum + tally.jobs, 0);
  if (jobs === record.plottedJobs) return record;
  const series = [...record.series, pointOf(record, now)];
  return {
    ...record,
    plottedJobs: jobs,
    series: series.length > MOST_POINTS ? series.filter((_, index) => index % 2 === 1) : series,
  };
}

function pointOf({ document, tallies }: ExperimentRecord, now: number): SeriesPoint {
  const metrics: Record<string, Record<string, EstimateView>> = {};
  for (const { arm, metrics: of } of resultsOf(document, tallies).arms) {
    for (const [metric, estimate] of Object.entries(of)) (metrics[metric] ??= {})[arm] = estimate;
  }
  return { at: new Date(now).toISOString(), metrics };
}

/** Does what is pending, then what always holds of the state: an end leaves nobody waiting. */
async function carryOut(cells: Cells, record: ExperimentRecord): Promise<void> {
  const { document, state, pending } = record;
  let [released, rerun] = [0, 0];
  for (const action of pending) {
    if (action.type === 'release-held') released += await releaseHeld(cells, document.name, action.before - UNCERTAIN_MS);
    if (action.type === 'announce') await announce(cells, record, action.event);
  }
  if (document.kind === 'canary' && document.hold) {
    if (state.status === 'promoted') released += await releaseHeld(cells, document.name, Infinity);
    else if (isInForce(record)) rerun += await rerunBeforeDeadline(cells, document.name, usualMs(record));
    else rerun += await rerunHeld(cells, document.name, state.reason);
  }
  const followed = await follow(cells, record);
  if (pending.length + released + rerun + followed.count === 0) return;
  await changeExperiment(cells, document.name, (now) => ({
    ...now,
    pending: beginsWith(now.pending, pending) ? now.pending.slice(pending.length) : now.pending,
    ...afterFollowing(now, record.follow.slice(0, followed.count), followed.preferences),
    releasedJobs: now.releasedJobs + released,
    rerunJobs: now.rerunJobs + rerun,
  }));
}

/** False where another evaluator has already written that this was done. */
function beginsWith(list: unknown[], done: unknown[]): boolean {
  return JSON.stringify(list.slice(0, done.length)) === JSON.stringify(done);
}

function afterFollowing(now: ExperimentRecord, done: Outcome[], preferences: Preference[]): Partial<ExperimentRecord> {
  if (!beginsWith(now.follow, done)) return {};
  return { follow: now.follow.slice(done.length), preferences: withPreferences(now.preferences, preferences) };
}

/** Follows the outcomes of a shadow: more answers only while it runs, comparisons of what was answered to the end. */
async function follow(
  cells: Cells,
  { document, state, follow: waiting }: ExperimentRecord,
): Promise<{ count: number; preferences: Preference[] }> {
  if (document.kind !== 'shadow' || state.status === 'paused') return { count: 0, preferences: [] };
  const outcomes = waiting.slice(0, FOLLOWED_AT_ONCE);
  const wanted = outcomes.filter((outcome) => state.status === 'running' || isOwnCost(document, outcome));
  const preferences = await Promise.all(wanted.map((outcome) => followOutcome(cells, document, outcome)));
  return { count: outcomes.length, preferences: preferences.filter((preference) => preference !== null) };
}

function withPreferences(counts: ExperimentRecord['preferences'], preferences: Preference[]): ExperimentRecord['preferences'] {
  const sum = { ...counts };
  for (const preference of preferences) sum[preference] += 1;
  return sum;
}

/** How long the stable arm takes for all but one job in twenty, in ms. */
function usualMs({ document, tallies }: ExperimentRecord): number {
  const stable = resultsOf(document, tallies).arms.find(({ arm }) => arm === document.arms[0]!.name);
  return stable?.latency_p95_ms?.value ?? 0;
}

/** Forgets what every experiment has counted. */
async function trimOutcomes(cells: Cells): Promise<void> {
  const cursors = (await readExperiments(cells)).filter(isInForce).map(({ cursor }) => cursor);
  for (const { cell, redis, keys } of await cells.all()) {
    const [least = '0'] = cursors.map((cursor) => idOf(cursor, cell)).toSorted(compareIds);
    if (least !== '0') await redis.xtrim(keys.outcomes, 'MINID', '~', least);
  }
}
