import type { EstimateView, SeriesPoint } from '@upshift/contracts';
import {
  addOutcome,
  endExperiment,
  evaluateExperiment,
  fateOfHeld,
  isFollowed,
  reasonsToEnd,
  rerunNeedsMs,
  resultsOf,
} from '@upshift/routing';
import type { Outcome } from '@upshift/routing';

import type { Cells } from '../cells/cells.ts';
import { compareIds } from '../event-feed.ts';
import { announce } from './announce.ts';
import { countUnfinished } from './counts.ts';
import { releaseHeld, rerunBeforeDeadline, rerunHeld } from './held-jobs.ts';
import { isInForce, withDecision } from './record.ts';
import type { ExperimentRecord, ToFollow } from './record.ts';
import { followable, followOutcome, isOwnCost } from './shadows.ts';
import type { Preference } from './shadows.ts';
import { changeExperiment, readUnfinishedExperiments, rememberFinished } from './store.ts';

/** Outcomes read at a time. */
const BATCH = 10_000;
/** What was held so shortly before a decision may not have been counted in it, and clocks differ: it waits for the next one, in ms. */
const UNCERTAIN_MS = 1000;
/** How long the outcomes of jobs under way are still counted after an experiment has ended, in ms. */
const COUNTED_AFTER_END_MS = 24 * 3_600_000;
/** Points of the plots, an even number: when there is one more, every other one goes, and the first and the newest stay. */
const MOST_POINTS = 60;
/** Answers that wait to be followed by a shadow; where more come, they are passed over as if the share were smaller. */
const MOST_WAITING = 1000;

/**
 * Looks at every experiment that is not finished: counts what its jobs came to, decides, writes that down, and then does what was decided. A crash at
 * any point loses nothing: outcomes are counted in the same write as the decision, and what is yet to be done stands in the record.
 */
export async function evaluateExperiments(cells: Cells): Promise<number> {
  const records = await readUnfinishedExperiments(cells);
  const concern = await Promise.all(records.map((record) => concerns(cells, record)));
  const concerned = records.filter((_, index) => concern[index]);
  await rememberFinished(
    cells,
    records.filter((_, index) => !concern[index]),
  );
  await Promise.all(concerned.map((record) => evaluateOrLog(cells, record)));
  await trimOutcomes(cells, records.filter(isInForce));
  return concerned.length;
}

/** Whether there is anything left to do: a job that waits long in its queue is held, or near its deadline, long after the end. */
async function concerns(cells: Cells, record: ExperimentRecord): Promise<boolean> {
  const { document, pending, changedAt } = record;
  if (isInForce(record) || pending.length > 0 || Date.now() - changedAt < COUNTED_AFTER_END_MS) return true;
  return document.kind === 'canary' && document.hold && (await countUnfinished(cells, document.name)) > 0;
}

/** An experiment that can not be evaluated stands in no other's way. */
async function evaluateOrLog(cells: Cells, record: ExperimentRecord): Promise<void> {
  await evaluateOne(cells, record).catch((error: unknown) =>
    cells.logger.error({ experiment: record.document.name, reason: String(error) }, 'experiment not evaluated'),
  );
}

async function evaluateOne(cells: Cells, known: ExperimentRecord): Promise<void> {
  let record: ExperimentRecord | null = known;
  for (let more = true; more && record !== null;) {
    const { cursor, document }: ExperimentRecord = record;
    const news = await readOutcomes(cells, cursor);
    const now = Date.now();
    // Nothing is decided on a part of what has happened.
    more = !news.all;
    record = await changeExperiment(cells, document.name, (current) => {
      // Another evaluator was faster: it has counted these.
      if (current.cursor !== cursor) return current;
      return news.all ? evaluated(cells, counted(cells, current, news), now) : counted(cells, current, news);
    });
  }
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

function counted({ config }: Cells, record: ExperimentRecord, { outcomes: all, cursor }: News): ExperimentRecord {
  const { document } = record;
  const outcomes = all.filter(({ arms }) => arms.some(({ experiment }) => experiment === document.name));
  if (document.kind !== 'shadow') return withTallied({ ...record, cursor }, outcomes);
  const own = outcomes.filter((outcome) => isOwnCost(document, outcome));
  const delivered = outcomes.filter((outcome) => !own.includes(outcome) && isFollowed(document, outcome.observation, config));
  const room = Math.max(0, MOST_WAITING - record.follow.length);
  const taken = delivered.slice(0, room).map((outcome): ToFollow => ({ ...outcome, countsWhenAsked: true }));
  // What was delivered counts when its candidate is asked: both arms then have the same jobs, whatever is passed over, or waits at the end.
  return withTallied(
    {
      ...record,
      cursor,
      follow: [...record.follow, ...own.filter(({ observation }) => observation !== null), ...taken],
      skipped: record.skipped + delivered.length - taken.length,
      shadowCostUsd: own.reduce((sum, { observation }) => sum + spentOf(observation), record.shadowCostUsd),
    },
    own,
  );
}

function withTallied(record: ExperimentRecord, outcomes: Outcome[]): ExperimentRecord {
  const { document } = record;
  return { ...record, tallies: outcomes.reduce((tallies, outcome) => addOutcome(tallies, document, outcome), record.tallies) };
}

/** In USD; of an outcome from before this was told, its known cost. */
function spentOf(observation: Outcome['observation']): number {
  return observation?.spentUsd ?? observation?.metrics.cost_usd ?? 0;
}

function evaluated(cells: Cells, record: ExperimentRecord, now: number): ExperimentRecord {
  const { document, state, tallies, dependsOn, shadowCostUsd } = record;
  const reasons = isInForce(record) ? reasonsToEnd({ document, dependsOn, status: state.status }, cells.config) : [];
  if (reasons.length > 0)
    return withDecision(record, endExperiment(state, `the configuration has changed: ${reasons.join(', ')}`), now);
  if (document.kind === 'shadow' && state.status === 'running' && shadowCostUsd >= document.budget_usd)
    return withDecision(record, endExperiment(state, `its budget of ${document.budget_usd} USD is spent`), now);
  return withSeries(withDecision(record, evaluateExperiment(document, state, tallies, now), now), now);
}

/** A point for the plots, where jobs have come since the last one. */
function withSeries(record: ExperimentRecord, now: number): ExperimentRecord {
  const jobs = Object.values(record.tallies).reduce((sum, tally) => sum + tally.jobs, 0);
  if (jobs === record.plottedJobs) return record;
  const series = [...record.series, pointOf(record, now)];
  return {
    ...record,
    plottedJobs: jobs,
    series: series.length > MOST_POINTS ? series.filter((_, index) => index % 2 === 0) : series,
  };
}

function pointOf({ document, state, tallies }: ExperimentRecord, now: number): SeriesPoint {
  const metrics: Record<string, Record<string, EstimateView>> = {};
  for (const { arm, metrics: of } of resultsOf(document, tallies, { adaptive: state.adaptive }).arms) {
    for (const metric of document.metrics) if (of[metric]) (metrics[metric] ??= {})[arm] = of[metric];
  }
  return { at: new Date(now).toISOString(), metrics };
}

/** Does what is pending, then what always holds of the state: an end leaves nobody waiting. */
async function carryOut(cells: Cells, record: ExperimentRecord): Promise<void> {
  const { document, pending } = record;
  let released = 0;
  for (const action of pending) {
    if (action.type === 'release-held') released += await releaseHeld(cells, document.name, action.before - UNCERTAIN_MS);
    else await announce(cells, record, action);
  }
  const held = await seeToHeld(cells, record);
  const followed = await follow(cells, record);
  if (pending.length + released + held.released + held.rerun + followed.done.length === 0) return;
  await changeExperiment(cells, document.name, (now) => ({
    ...afterFollowing(now, followed),
    pending: beginsWith(now.pending, pending) ? now.pending.slice(pending.length) : now.pending,
    releasedJobs: now.releasedJobs + released + held.released,
    rerunJobs: now.rerunJobs + held.rerun,
  }));
}

async function seeToHeld(cells: Cells, record: ExperimentRecord): Promise<{ released: number; rerun: number }> {
  const { document, state, tallies } = record;
  if (document.kind !== 'canary' || !document.hold) return { released: 0, rerun: 0 };
  const rerunNear = (): Promise<number> => rerunBeforeDeadline(cells, document.name, rerunNeedsMs(document, tallies));
  switch (fateOfHeld(state)) {
    case 'release':
      return { released: await releaseHeld(cells, document.name, Infinity), rerun: 0 };
    case 'rerun':
      // What the canary is still answering is held when it has answered, and must not expire before that.
      return { released: 0, rerun: (await rerunHeld(cells, document.name, state.reason)) + (await rerunNear()) };
    case 'wait':
      return { released: 0, rerun: await rerunNear() };
  }
}

/** False where another evaluator has already written that this was done. */
function beginsWith(list: unknown[], done: unknown[]): boolean {
  return JSON.stringify(list.slice(0, done.length)) === JSON.stringify(done);
}

/** What was done about outcomes of a shadow. */
interface Following {
  done: ToFollow[];
  /** Of them, those that were delivered and that the candidate was asked to answer once more. */
  asked: ToFollow[];
  preferences: Preference[];
}

/** Without the outcomes that were followed; what another evaluator has written off already is counted by it. */
function afterFollowing(now: ExperimentRecord, { done, asked, preferences }: Following): ExperimentRecord {
  const jobs = new Set(done.map(({ job }) => job));
  const left = now.follow.filter(({ job }) => !jobs.has(job));
  if (now.follow.length - left.length !== done.length) return now;
  const uncounted = asked.filter(({ countsWhenAsked }) => countsWhenAsked);
  return withTallied({ ...now, follow: left, preferences: withPreferences(now.preferences, preferences) }, uncounted);
}

/** Follows the outcomes of a shadow: more answers only while it runs, comparisons of what was answered to the end. */
async function follow(cells: Cells, { document, state, follow: waiting }: ExperimentRecord): Promise<Following> {
  if (document.kind !== 'shadow' || state.status === 'paused' || waiting.length === 0)
    return { done: [], asked: [], preferences: [] };
  const isWanted = (outcome: ToFollow): boolean => state.status === 'running' || isOwnCost(document, outcome);
  const now = await followable(cells, document, waiting.filter(isWanted));
  const followed = await Promise.all(now.map((outcome) => followOutcome(cells, document, outcome)));
  return {
    done: [...now, ...waiting.filter((outcome) => !isWanted(outcome))],
    asked: now.filter((_, index) => followed[index] === 'asked'),
    preferences: followed.filter((one) => one !== null && one !== 'asked'),
  };
}

function withPreferences(counts: ExperimentRecord['preferences'], preferences: Preference[]): ExperimentRecord['preferences'] {
  const sum = { ...counts };
  for (const preference of preferences) sum[preference] += 1;
  return sum;
}

/** Forgets what every experiment had counted when these were read: one that was made since begins behind that. */
async function trimOutcomes(cells: Cells, records: ExperimentRecord[]): Promise<void> {
  for (const { cell, redis, keys } of await cells.all()) {
    const [least = '0'] = records.map(({ cursor }) => idOf(cursor, cell)).toSorted(compareIds);
    if (least !== '0') await redis.xtrim(keys.outcomes, 'MINID', '~', least);
  }
}
