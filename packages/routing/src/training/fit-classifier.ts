import { KNOWN_BITS, knownBit, promptKinds, TEXT_BUCKETS } from '../classifier/features.ts';
import type { PromptFeatures, PromptKind } from '../classifier/features.ts';
import { deviation, linearGain, modelOfWeights, withTrees } from '../classifier/model.ts';
import type { ClassifierWeights } from '../classifier/model.ts';
import type { BoostedTrees } from '../trees.ts';
import { foldOf, FOLDS } from './folds.ts';
import { fitTrees } from './grow-trees.ts';
import { fitLogistic } from './logistic.ts';
import { fitRidge, packRows } from './ridge.ts';

/** Chosen by cross-validation over questions. `text` and `signals` are what a feature of length 1 is multiplied by: more is learnt of it. */
const settings: Record<PromptKind, { penalty: number; text: number; signals: number }> = {
  plain: { penalty: 100, text: 3, signals: 0.3 },
  options: { penalty: 30, text: 3, signals: 1 },
};
/** Chosen likewise: trees that see what the linear model says, and the signals. They need thousands of pairs of answers. */
const TREES = { count: 100, depth: 2, step: 0.05, leastCurve: 60, shrink: 30 };
const PAIRS_FOR_TREES = 2000;
/** How much of a target is the mean of its subject, drawn by so many rows to that of the set: single answers are mostly luck. */
const SUBJECT = { share: 0.7, rows: 20 };
/** How often a word must occur in training to count as known. */
const OFTEN = 3;

/** A prompt with what a stronger model gained on it, in right answers: from −1 to 1. */
export interface GainRow {
  /** Hash of the question's stem. */
  id: string;
  /** Where it is from: rows of one set are comparable. */
  set: string;
  features: PromptFeatures;
  subject: string | null;
  gain: number;
  weight: number;
  /** Of the sets with a pair: whether each was right. */
  pair: { weak: number; strong: number } | null;
}

type Learnt = Pick<ClassifierWeights, 'mean' | 'scale' | 'kinds'>;

const rounded = (value: number): number => Math.round(value * 1e5) / 1e5;

/** Weights from prompts and gains: the same rows in the same order give the same weights. */
export function fitClassifier(rows: GainRow[], progress: (done: number) => void = () => undefined): ClassifierWeights {
  const linear = unseenGains(rows, progress);
  const learnt = learn(rows);
  progress(1);
  const kinds = Object.fromEntries(
    promptKinds.map((kind) => {
      const pairs = rows.flatMap((row, index): PairRow[] =>
        row.pair && row.features.kind === kind ? [{ ...row, linear: linear[index]! }] : [],
      );
      const trees = treesOf(pairs);
      return [
        kind,
        { ...learnt.kinds[kind], trees, ...calibrate(pairs, trees === null ? linearOf(pairs) : unseenByTrees(pairs)) },
      ];
    }),
  ) as ClassifierWeights['kinds'];
  return { ...learnt, kinds, known: knownWords(rows) };
}

/** A row of a pair, with the linear gain by weights that have not seen its question. */
type PairRow = GainRow & { linear: number };

function linearOf(pairs: PairRow[]): number[] {
  return pairs.map(({ linear }) => linear);
}

function treesOf(pairs: PairRow[]): BoostedTrees | null {
  if (pairs.length < PAIRS_FOR_TREES) return null;
  const inputs = pairs.map(({ linear, features }) => [linear, ...features.signals]);
  return fitTrees(
    inputs,
    pairs.map(({ gain }) => (gain + 1) / 2),
    TREES,
  );
}

/** Both estimates together, of questions that the trees have not seen either. */
function unseenByTrees(pairs: PairRow[]): number[] {
  const byFold = Array.from({ length: FOLDS }, (_, fold) => treesOf(pairs.filter(({ id }) => foldOf(id) !== fold)));
  return pairs.map(({ id, linear, features }) => {
    const trees = byFold[foldOf(id)]!;
    return trees === null ? linear : withTrees(linear, features.signals, trees);
  });
}

/** The linear gain of each row by weights that have not seen its question. */
export function unseenGains(rows: GainRow[], progress: (done: number) => void = () => undefined): Float64Array {
  const unseen = new Float64Array(rows.length);
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const learnt = learn(rows.filter(({ id }) => foldOf(id) !== fold));
    const model = modelOfWeights({ ...learnt, known: '' });
    rows.forEach(({ id, features }, index) => {
      if (foldOf(id) === fold) unseen[index] = linearGain(features, model);
    });
    progress((fold + 1) / (FOLDS + 1));
  }
  return unseen;
}

function learn(rows: GainRow[]): Learnt {
  const { mean: means, scale } = scalingOf(rows);
  const targets = targetsOf(rows);
  const kinds = Object.fromEntries(promptKinds.map((kind) => [kind, learnKind(rows, targets, kind, means, scale)]));
  return { mean: means, scale, kinds: kinds as ClassifierWeights['kinds'] };
}

function learnKind(rows: GainRow[], targets: number[], kind: PromptKind, means: number[], scale: number[]) {
  const { penalty, text, signals: strength } = settings[kind];
  const chosen = rows.flatMap((row, index) => (row.features.kind === kind ? [{ ...row, target: targets[index]! }] : []));
  const width = means.length;
  const packed = packRows(
    chosen.map(({ features: { buckets, values, signals } }) => [
      ...buckets.map((bucket, index) => [bucket, values[index]! * text] as const),
      ...signals.map(
        (value, index) => [TEXT_BUCKETS + index, deviation(value, means[index]!, scale[index]!) * strength] as const,
      ),
      [TEXT_BUCKETS + width, 1] as const,
    ]),
    TEXT_BUCKETS + width + 1,
  );
  const target = Float64Array.from(chosen.map((row) => row.target));
  const solution = fitRidge(packed, target, Float64Array.from(chosen.map(({ weight }) => weight)), penalty);
  const textWeights = solution.slice(0, TEXT_BUCKETS).map((value) => value * text);
  const textStep = rounded(textWeights.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127) || 1e-5;
  return {
    bias: rounded(solution[TEXT_BUCKETS + width]!),
    signals: Array.from(solution.slice(TEXT_BUCKETS, TEXT_BUCKETS + width), (value) => rounded(value * strength)),
    text: Buffer.from(Int8Array.from(textWeights, (value) => Math.round(value / textStep)).buffer).toString('base64'),
    textStep,
    trees: null,
    intercept: 0,
    slope: 1,
  };
}

function scalingOf(rows: GainRow[]): Pick<ClassifierWeights, 'mean' | 'scale'> {
  const width = rows[0]!.features.signals.length;
  const means = Array.from({ length: width }, (_, index) => mean(rows.map(({ features }) => features.signals[index]!)));
  const scale = means.map((middle, index) => {
    const variance = mean(rows.map(({ features }) => (features.signals[index]! - middle) ** 2));
    return variance < 1e-9 ? 0 : 1 / Math.sqrt(variance);
  });
  return { mean: means.map(rounded), scale: scale.map(rounded) };
}

/** Gains with less luck in them: drawn to the mean of their subject, else that of a pair to what many models gained on the same question. */
function targetsOf(rows: GainRow[]): number[] {
  const ofSet = Map.groupBy(rows, ({ set }) => set);
  const setMeans = new Map([...ofSet].map(([set, all]) => [set, mean(all.map(({ gain }) => gain))]));
  const ofSubject = Map.groupBy(rows, ({ set, subject }) => `${set} ${subject}`);
  const subjectMeans = new Map(
    [...ofSubject].map(([key, all]) => {
      const drawn = setMeans.get(all[0]!.set)! * SUBJECT.rows;
      return [key, (all.reduce((sum, { gain }) => sum + gain, 0) + drawn) / (all.length + SUBJECT.rows)];
    }),
  );
  const ofMany = new Map(rows.flatMap(({ id, pair, subject, gain }) => (pair || subject !== null ? [] : [[id, gain] as const])));
  return rows.map(({ id, set, subject, gain, pair }) => {
    if (subject !== null) return SUBJECT.share * subjectMeans.get(`${set} ${subject}`)! + (1 - SUBJECT.share) * gain;
    return pair ? (gain + (ofMany.get(id) ?? gain)) / 2 : gain;
  });
}

/** Logistic regression of a gain that came true on the raw gain. */
function calibrate(pairs: PairRow[], unseen: number[]): { intercept: number; slope: number } {
  const observations = pairs.map(({ gain }, index) => ({ inputs: [1, unseen[index]!], ok: gain > 0 ? 1 : 0 }));
  const [intercept = 0, slope = 1] = fitLogistic(observations, { start: [0, 0], holds: [1e-3, 1e-3] });
  return { intercept: rounded(intercept), slope: rounded(slope) };
}

function knownWords(rows: GainRow[]): string {
  const counts = new Uint16Array(KNOWN_BITS);
  for (const { features } of rows)
    for (const bit of new Set(features.reading.tokens.map(knownBit))) counts[bit] = Math.min(65_535, counts[bit]! + 1);
  const bits = new Uint8Array(KNOWN_BITS / 8);
  counts.forEach((count, bit) => {
    if (count >= OFTEN) bits[bit >>> 3]! |= 1 << (bit & 7);
  });
  return Buffer.from(bits).toString('base64');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
