import type { ClassifierProfile, GateLabel, LabelLine } from '@upshift/contracts';

import { dot, fitLogistic, logLoss } from '../training/logistic.ts';
import type { Observation } from '../training/logistic.ts';
import { hashOf, mixed } from './hash.ts';
import { profileInputs, profileOfWeights, profileWeights } from './profile.ts';
import { signalNames } from './signals.ts';
import { shippedClassifier, seenOf } from './trained.ts';
import { bareFacts } from '../classify.ts';

/** A question of which it is known whether a stronger tier gained on it. */
export interface GainedQuestion {
  id: string;
  complexity: number;
  signals: number[];
  gained: boolean;
  /** 1 / the probability that it would be seen: what makes up for questions that are seldom tried at the lowest tier. */
  weight: number;
}

/** How good complexities were on questions that nothing was learnt from, as they would be met without any routing. */
export interface ClassifierFit {
  /** Mean of −log of the probability that was given to what turned out, in nats; lower is better. */
  logLoss: number;
  /** Mean complexity less the share of gains: above 0 the classifier expects too much of stronger tiers. */
  bias: number;
  /** How often a question with a gain has the higher complexity than one without; 0.5 is chance. */
  ranked: number;
}

export interface Refitted {
  profile: ClassifierProfile;
  trained: number;
  heldOut: number;
  gains: number;
  before: ClassifierFit;
  after: ClassifierFit;
  /** False: it must not be installed. */
  isBetter: boolean;
}

/** The weights of a profile that changes nothing. */
const AS_SHIPPED = profileWeights({ intercept: 0, slope: 1, features: {} });

/** Part of the questions that is held out, and part of the others that chooses how strongly the shipped weights are held to. */
const HELD_OUT_OF = 4;
const CHOOSING_OF = 4;
/** Fewer questions of either kind teach nothing that could be trusted. */
const FEWEST_GAINS = 10;
const FEWEST_HELD_OUT = 20;
const HOLDS = [3, 10, 30, 100, 300, 1000];
const SLOPE_HOLD = 5;
const INTERCEPT_HOLD = 0.1;
/** Beyond this a single question would say more than it can be trusted to. */
const LARGEST_WEIGHT = 50;

/**
 * Fits the classifier to what became of questions, beginning with the profile that is in force. The same questions, in any order, give the
 * same profile.
 *
 * @throws RangeError where there are too few
 */
export function refitClassifier(questions: GainedQuestion[], current: ClassifierProfile | null): Refitted {
  const sorted = questions.toSorted((one, other) => (one.id < other.id ? -1 : one.id > other.id ? 1 : 0));
  const isHeldOut = ({ id }: GainedQuestion): boolean => mixed(hashOf(id)) % HELD_OUT_OF === 0;
  const [heldOut, trained] = [sorted.filter(isHeldOut), sorted.filter((question) => !isHeldOut(question))];
  refuseFew(trained, heldOut);
  const profile = profileOfWeights(fitWeights(trained));
  const rows = heldOut.map(rowOf);
  const before = fitOf(rows, current === null ? AS_SHIPPED : profileWeights(current));
  const after = fitOf(rows, profileWeights(profile));
  const gains = questions.filter(({ gained }) => gained).length;
  return {
    profile,
    trained: trained.length,
    heldOut: heldOut.length,
    gains,
    before,
    after,
    isBetter: after.logLoss < before.logLoss,
  };
}

function refuseFew(trained: GainedQuestion[], heldOut: GainedQuestion[]): void {
  const gains = trained.filter(({ gained }) => gained).length;
  if (gains < FEWEST_GAINS || trained.length - gains < FEWEST_GAINS)
    throw new RangeError(
      `${trained.length} questions to learn from, on ${gains} of which a stronger tier gained; at least ${FEWEST_GAINS} of either kind are needed`,
    );
  const both = new Set(heldOut.map(({ gained }) => gained)).size === 2;
  if (heldOut.length < FEWEST_HELD_OUT || !both)
    throw new RangeError(
      `${heldOut.length} questions to try it on; at least ${FEWEST_HELD_OUT} are needed, with and without a gain`,
    );
}

type Row = Observation & { weight: number };

function rowOf({ complexity, signals, gained, weight }: GainedQuestion): Row {
  return {
    inputs: profileInputs(complexity, signals, shippedClassifier),
    ok: gained ? 1 : 0,
    weight: Math.min(LARGEST_WEIGHT, weight),
  };
}

function fitWeights(questions: GainedQuestion[]): number[] {
  const rows = questions.map((question, index) => ({ ...rowOf(question), chooses: index % CHOOSING_OF === 0 }));
  const [choosing, others] = [rows.filter(({ chooses }) => chooses), rows.filter(({ chooses }) => !chooses)];
  const losses = HOLDS.map((hold) => {
    const weights = fit(others, hold);
    return meanOf(choosing, (row) => logLoss(row, weights));
  });
  return fit(rows, HOLDS[losses.indexOf(Math.min(...losses))]!);
}

function fit(rows: Row[], hold: number): number[] {
  const holds = AS_SHIPPED.map((_, index) => (index === 0 ? INTERCEPT_HOLD : index === 1 ? SLOPE_HOLD : hold));
  return fitLogistic(rows, { start: AS_SHIPPED, holds });
}

function fitOf(rows: Row[], weights: number[]): ClassifierFit {
  const chance = ({ inputs }: Row): number => 1 / (1 + Math.exp(-dot(inputs, weights)));
  return {
    logLoss: meanOf(rows, (row) => logLoss(row, weights)),
    bias: meanOf(rows, chance) - meanOf(rows, ({ ok }) => ok),
    ranked: rankedOf(rows, weights),
  };
}

function rankedOf(rows: Row[], weights: number[]): number {
  const sorted = rows.map(({ inputs, ok, weight }) => ({ at: dot(inputs, weights), ok, weight })).toSorted((a, b) => a.at - b.at);
  let [below, right, all] = [0, 0, 0];
  for (let index = 0; index < sorted.length;) {
    const same = sorted.slice(index).findIndex(({ at }) => at !== sorted[index]!.at);
    const tied = sorted.slice(index, same === -1 ? sorted.length : index + same);
    const [gains, others] = [1, 0].map((kind) => tied.reduce((sum, { ok, weight }) => sum + (ok === kind ? weight : 0), 0)) as [
      number,
      number,
    ];
    right += gains * (below + others / 2);
    below += others;
    all += gains;
    index += tied.length;
  }
  return all * below === 0 ? 0.5 : right / (all * below);
}

function meanOf(rows: Row[], value: (row: Row) => number): number {
  const weight = rows.reduce((sum, row) => sum + row.weight, 0);
  return rows.reduce((sum, row) => sum + row.weight * value(row), 0) / weight;
}

/** Who is believed where two say something of the same answer; of the same source the later one. */
const believed = ['gate', 'audit', 'late'];

function byBelief(one: GateLabel, other: GateLabel): number {
  return believed.indexOf(one.source) - believed.indexOf(other.source) || Date.parse(one.at) - Date.parse(other.at);
}

/**
 * Questions of stored labels: jobs whose lowest tier has been tried. A stronger tier gained where the lowest failed and a higher one passed; of
 * a job that failed and was never tried higher nothing is known.
 */
export function questionsOfLabels(labels: GateLabel[], tiers: string[]): GainedQuestion[] {
  const jobs = Map.groupBy(
    labels.filter(({ signals }) => signals.length === signalNames.length),
    ({ job }) => job,
  );
  return [...jobs].flatMap(([id, all]) => {
    const ofTier = new Map(all.toSorted(byBelief).map((label) => [label.tier, label]));
    const lowest = ofTier.get(tiers[0]!);
    const higher = tiers.slice(1).flatMap((tier) => ofTier.get(tier) ?? []);
    if (lowest === undefined || (!lowest.passed && higher.length === 0)) return [];
    const gained = !lowest.passed && higher.some(({ passed }) => passed);
    return [{ id, complexity: lowest.complexity, signals: lowest.signals, gained, weight: 1 / lowest.propensity }];
  });
}

/** Questions of answers that somebody has looked at, of which the lowest tier's is one. */
export function questionsOfAnswers(lines: LabelLine[], tiers: string[]): GainedQuestion[] {
  const byQuestion = Map.groupBy(lines, ({ question_id: id }) => String(id));
  return [...byQuestion].flatMap(([id, answers]) => {
    const lowest = answers.find(({ tier }) => tier === tiers[0]);
    const higher = answers.filter(({ tier }) => tiers.indexOf(tier) > 0);
    if (lowest === undefined || (!lowest.ok && higher.length === 0)) return [];
    const gained = !lowest.ok && higher.some(({ ok }) => Boolean(ok));
    return [{ id, ...seenOf(bareFacts(lowest.prompt)), gained, weight: 1 }];
  });
}
