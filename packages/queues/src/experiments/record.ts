import type { Experiment, ExperimentEvent, ExperimentStatus, HistoryEntry, SeriesPoint } from '@upshift/contracts';
import type { Dependencies, ExperimentDecision, ExperimentState, Outcome, Preferences, Tallies } from '@upshift/routing';

/** What is yet to be done about a change. Doing it twice does no harm. */
export type Pending =
  /** Answers that were held before a time (ms since the epoch) may go out. */
  | { type: 'release-held'; before: number }
  /** The endpoint is told of a line of the history, from 1. */
  | { type: 'announce'; event: ExperimentEvent; line: number };

/** An outcome of a shadow of which something is yet to be started or read. */
export interface ToFollow extends Outcome {
  /** Of one that was delivered: it counts once its candidate is asked. Missing where an earlier version has counted it already. */
  countsWhenAsked?: true;
}

/** All that is known of an experiment. */
export interface ExperimentRecord {
  document: Experiment;
  state: ExperimentState;
  tallies: Tallies;
  /** The last outcomes in the tallies: an id of the stream of each cell, with commas between them. */
  cursor: string;
  pending: Pending[];
  history: HistoryEntry[];
  series: SeriesPoint[];
  /** Jobs at the last point of the series. */
  plottedJobs: number;
  /** What of the configuration it goes by. */
  dependsOn: Dependencies;
  /** Of a shadow: outcomes of which something is yet to be started or read, how many were passed over, what it has cost, and whom the judge preferred. */
  follow: ToFollow[];
  skipped: number;
  shadowCostUsd: number;
  preferences: Preferences;
  releasedJobs: number;
  rerunJobs: number;
  createdAt: number;
  changedAt: number;
}

/** What runs, or has been promoted: two such must not override the same thing. */
const inForce: ExperimentStatus[] = ['running', 'paused', 'promoted'];

export function isInForce({ state }: ExperimentRecord): boolean {
  return inForce.includes(state.status);
}

/** The record after a decision, with what must be done about it. */
export function withDecision(record: ExperimentRecord, { state, actions }: ExperimentDecision, now: number): ExperimentRecord {
  const at = new Date(now).toISOString();
  const history = [...record.history];
  const pending = [...record.pending];
  for (const action of actions) {
    if (action.type === 'release-held') pending.push({ type: 'release-held', before: now });
    if (action.type !== 'announce') continue;
    history.push({ at, event: action.event, status: state.status, reason: state.reason });
    pending.push({ type: 'announce', event: action.event, line: history.length });
  }
  return { ...record, state, pending, history, changedAt: actions.length > 0 ? now : record.changedAt };
}
