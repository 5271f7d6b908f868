import { isDeepStrictEqual } from 'node:util';

import type { JobRecording, JobView } from '@upshift/contracts';

import type { Play, Played } from './engine.ts';

/** A recorded job that is played. */
export interface RecordedPlay extends Play {
  recording: JobRecording;
}

/** The same figure of the recording and of the replay. */
export interface BeforeAfter<Value = number> {
  before: Value;
  after: Value;
}

/** How jobs ended: as a share of them, in [0, 1]. */
const endings = ['accepted', 'degraded', 'refusal', 'failed'] as const;
type Ending = (typeof endings)[number];

/** What changed in the jobs of a route, or in all. */
export interface Comparison {
  route: string | null;
  jobs: number;
  cost_usd: BeforeAfter;
  /** Answered and good enough; the best of answers that were not; refused by policy; without an answer. */
  share: Record<Ending, BeforeAfter>;
  /** Of the answers that have a score; null where none has. */
  mean_score: BeforeAfter<number | null>;
  escalations: BeforeAfter;
  failovers: BeforeAfter;
  fallbacks: BeforeAfter;
  /** Jobs answered by each tier; `none` has no answer. */
  tiers: Record<string, BeforeAfter>;
  /** Jobs that another model answers now, or another tier. */
  moved: number;
  status_changed: number;
  answers_differ: number;
}

/** Why jobs are in neither side's sums. */
export interface LeftOut {
  /** A model was asked for which the book holds no answer: what would have come of it is unknown. */
  no_answer: number;
  /** How many jobs asked each of those models. */
  asked: Record<string, number>;
  /** Cancelled or expired before: that lay at the client and the clock. */
  cut_short: number;
  /** Answered anew because an accepted answer was found to be wrong afterwards: a replay accepts that one, and nobody finds it out. */
  found_wrong: number;
  /** A part of the cost is unknown, then or after. */
  cost_unknown: number;
  /** Not accepted under this configuration, by the code of the refusal. */
  refused: Record<string, number>;
}

export interface Report {
  jobs: number;
  compared: Comparison;
  routes: Comparison[];
  moves: { from: string; to: string; jobs: number }[];
  unknown: LeftOut;
  /** Compared jobs that hold redacted text: what reads it, as the classifier does, may decide otherwise than on the text itself. */
  redacted: number;
  /** Compared jobs that were answered under an arm of an experiment, by `experiment/arm`: a replay gives none. */
  arms: Record<string, number>;
}

/** The sides of one job. */
interface Pair extends BeforeAfter<Side> {
  route: string;
  redacted: boolean;
  arms: JobRecording['arms'];
}

interface Side {
  ending: Ending;
  status: JobView['status'];
  /** `tier model`, or `none`. */
  place: string;
  tier: string;
  costUsd: number;
  score: number | null;
  escalations: number;
  failovers: number;
  fallbacks: number;
  answer: unknown;
}

/**
 * Puts the replay beside the recording. What is not known on both sides is counted apart and is in no sum.
 *
 * @param tiers in their order
 */
export function compare(played: Played<RecordedPlay>[], tiers: string[]): Report {
  const unknown: LeftOut = { no_answer: 0, asked: {}, cut_short: 0, found_wrong: 0, cost_unknown: 0, refused: {} };
  const pairs = played.flatMap((one) => pairOf(one, unknown));
  const byRoute = Map.groupBy(pairs, ({ route }) => route);
  return {
    jobs: played.length,
    compared: comparisonOf(null, pairs, tiers),
    routes: [...byRoute].map(([route, ofRoute]) => comparisonOf(route, ofRoute, tiers)),
    moves: movesOf(pairs),
    unknown,
    redacted: pairs.filter(({ redacted }) => redacted).length,
    arms: armsOf(pairs),
  };
}

function pairOf(one: Played<RecordedPlay>, unknown: LeftOut): Pair[] {
  const { recording } = one.play;
  if (recording.status === 'cancelled' || recording.status === 'expired') return ((unknown.cut_short += 1), []);
  if (recording.attempts.some(({ late_verdict: good }) => good === false)) return ((unknown.found_wrong += 1), []);
  if ('refusal' in one) return (increment(unknown.refused, one.refusal.code), []);
  if (one.unanswered.length > 0) {
    unknown.no_answer += 1;
    for (const model of one.unanswered) increment(unknown.asked, model);
    return [];
  }
  if (recording.cost_unknown || one.job.cost_unknown) return ((unknown.cost_unknown += 1), []);
  const { route, redactions, arms } = recording;
  return [{ route, redacted: redactions > 0, arms, before: sideBefore(recording), after: sideAfter(one.job) }];
}

function armsOf(pairs: Pair[]): Report['arms'] {
  const counts: Report['arms'] = {};
  for (const { experiment, arm } of pairs.flatMap(({ arms }) => arms)) increment(counts, `${experiment}/${arm}`);
  return counts;
}

function increment(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function sideBefore(recording: JobRecording): Side {
  const { status, cost_usd, attempts, discarded_attempts, escalations, failovers, fallbacks, degraded } = recording;
  // No canary is replayed: what one cost before it was taken back would look saved.
  const discardedUsd = sum(attempts.slice(0, discarded_attempts).map((attempt) => attempt.cost_usd ?? 0));
  const final = attempts.find(({ attempt }) => attempt === recording.final_attempt);
  return {
    ending: endingOf(status, degraded, final?.outcome === 'refused'),
    status,
    place: final ? `${final.tier} ${final.model}` : 'none',
    tier: final?.tier ?? 'none',
    costUsd: cost_usd - discardedUsd,
    score: final?.score ?? null,
    escalations,
    failovers,
    fallbacks,
    answer: final?.answer ? answerOf(final.answer.text, final.answer.tool_calls) : null,
  };
}

function sideAfter({ status, result, cost_usd, escalations, failovers, fallbacks }: JobView): Side {
  return {
    ending: endingOf(status, result?.degraded ?? false, result?.refusal ?? false),
    status,
    place: result ? `${result.tier} ${result.model}` : 'none',
    tier: result?.tier ?? 'none',
    costUsd: cost_usd,
    score: result?.score ?? null,
    escalations,
    failovers,
    fallbacks,
    answer: result ? answerOf(result.text, result.tool_calls) : null,
  };
}

function endingOf(status: JobView['status'], degraded: boolean, refusal: boolean): Ending {
  if (status !== 'completed') return 'failed';
  if (refusal) return 'refusal';
  return degraded ? 'degraded' : 'accepted';
}

/** What makes two answers the same: ids of tool calls and the spacing of their arguments do not. */
function answerOf(text: string, toolCalls: { name: string; arguments: string }[]): unknown {
  return { text, toolCalls: toolCalls.map(({ name, arguments: json }) => ({ name, arguments: parseOrText(json) })) };
}

function parseOrText(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function comparisonOf(route: string | null, pairs: Pair[], tierNames: string[]): Comparison {
  const both = <Value>(figure: (sides: Side[]) => Value): BeforeAfter<Value> => ({
    before: figure(pairs.map(({ before }) => before)),
    after: figure(pairs.map(({ after }) => after)),
  });
  const shareOf = (ending: Ending): BeforeAfter =>
    both((sides) => share(sides.filter((side) => side.ending === ending).length, pairs.length));
  const used = new Set(pairs.flatMap(({ before, after }) => [before.tier, after.tier]));
  const tiers = [...new Set([...tierNames, ...used])].filter((tier) => used.has(tier));
  const sumOf = (figure: 'escalations' | 'failovers' | 'fallbacks'): BeforeAfter =>
    both((sides) => sum(sides.map((side) => side[figure])));
  return {
    route,
    jobs: pairs.length,
    cost_usd: both((sides) => round(sum(sides.map(({ costUsd }) => costUsd)), 9)),
    share: Object.fromEntries(endings.map((ending) => [ending, shareOf(ending)])) as Comparison['share'],
    mean_score: both((sides) => mean(sides.flatMap(({ score }) => (score === null ? [] : [score])))),
    escalations: sumOf('escalations'),
    failovers: sumOf('failovers'),
    fallbacks: sumOf('fallbacks'),
    tiers: Object.fromEntries(tiers.map((tier) => [tier, both((sides) => sides.filter((side) => side.tier === tier).length)])),
    moved: pairs.filter(({ before, after }) => before.place !== after.place).length,
    status_changed: pairs.filter(({ before, after }) => before.status !== after.status).length,
    answers_differ: pairs.filter(({ before, after }) => !isDeepStrictEqual(before.answer, after.answer)).length,
  };
}

function movesOf(pairs: Pair[]): Report['moves'] {
  const moved = pairs.filter(({ before, after }) => before.place !== after.place);
  const groups = Map.groupBy(moved, ({ before, after }) => `${before.place} → ${after.place}`);
  return [...groups.values()]
    .map((group) => ({ from: group[0]!.before.place, to: group[0]!.after.place, jobs: group.length }))
    .toSorted((one, other) => other.jobs - one.jobs);
}

function sum(amounts: number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}

function mean(values: number[]): number | null {
  return values.length === 0 ? null : round(sum(values) / values.length, 4);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : round(part / whole, 4);
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
