import { sumOfTrees } from '../trees.ts';
import type { BoostedTrees } from '../trees.ts';
import { knownBit } from './features.ts';
import type { PromptFeatures, PromptKind } from './features.ts';

/** What training makes of prompts and correctness. Made by `npm run train:weights`, which gives the same bytes for the same data. */
export interface ClassifierWeights {
  /** Of the hand-made signals. */
  mean: number[];
  scale: number[];
  kinds: Record<PromptKind, KindWeights>;
  /** One bit per word that training has seen, in base64. */
  known: string;
}

interface KindWeights {
  bias: number;
  /** Per standard deviation of a signal. */
  signals: number[];
  /** Of the text buckets, a signed byte each in base64, in units of `textStep`. */
  text: string;
  textStep: number;
  /** A second estimate, over the first and the signals; null where training has too few pairs of answers for one. */
  trees: BoostedTrees | null;
  /** From the raw gain to log-odds. */
  intercept: number;
  slope: number;
}

/** The weights as they are computed with. */
export interface ClassifierModel {
  mean: number[];
  scale: number[];
  kinds: Record<PromptKind, Omit<KindWeights, 'text'> & { text: Int8Array }>;
  known: Uint8Array;
}

export function modelOfWeights({ mean, scale, kinds, known }: ClassifierWeights): ClassifierModel {
  const unpacked = (kind: PromptKind) => ({ ...kinds[kind], text: new Int8Array(bytesOf(kinds[kind].text)) });
  return { mean, scale, kinds: { plain: unpacked('plain'), options: unpacked('options') }, known: bytesOf(known) };
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
}

/** Signals stray no further than so many standard deviations from their mean, so that a strange prompt is not an extreme one. */
const FARTHEST = 4;

/** How many standard deviations a signal lies from its mean. */
export function deviation(value: number, mean: number, scale: number): number {
  return Math.max(-FARTHEST, Math.min(FARTHEST, (value - mean) * scale));
}

/** What a stronger tier is expected to gain, in right answers per prompt; not calibrated. */
function rawGain(features: PromptFeatures, model: ClassifierModel): number {
  const linear = linearGain(features, model);
  const { trees } = model.kinds[features.kind];
  return trees === null ? linear : withTrees(linear, features.signals, trees);
}

/** The mean of both estimates; that of the trees is in the log-odds of a gain of 1 against one of −1. */
export function withTrees(linear: number, signals: number[], trees: BoostedTrees): number {
  return (linear + Math.tanh(sumOfTrees([linear, ...signals], trees) / 2)) / 2;
}

export function linearGain({ kind, signals, buckets, values }: PromptFeatures, model: ClassifierModel): number {
  const weights = model.kinds[kind];
  let gain = weights.bias;
  for (let index = 0; index < signals.length; index += 1)
    gain += weights.signals[index]! * deviation(signals[index]!, model.mean[index]!, model.scale[index]!);
  let text = 0;
  for (let index = 0; index < buckets.length; index += 1) text += weights.text[buckets[index]!]! * values[index]!;
  return gain + text * weights.textStep;
}

/** The calibrated probability that a stronger tier gains. */
export function gainProbability(features: PromptFeatures, model: ClassifierModel): number {
  const { intercept, slope } = model.kinds[features.kind];
  return 1 / (1 + Math.exp(-(intercept + slope * rawGain(features, model))));
}

/** The share of a prompt's words, numbers and signs that training has seen. */
export function knownShare({ reading: { tokens } }: PromptFeatures, { known }: ClassifierModel): number {
  if (tokens.length === 0) return 0;
  let seen = 0;
  for (const token of tokens) {
    const bit = knownBit(token);
    if ((known[bit >>> 3]! >>> (bit & 7)) & 1) seen += 1;
  }
  return seen / tokens.length;
}
