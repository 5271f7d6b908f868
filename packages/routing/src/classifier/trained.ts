import type { Classification, ClassifierProfile } from '@upshift/contracts';

import { heuristicClassifier } from '../classify.ts';
import type { PromptFacts } from '../classify.ts';
import { dot } from '../training/logistic.ts';
import { promptFeatures } from './features.ts';
import type { PromptFeatures } from './features.ts';
import { gainProbability, knownShare, modelOfWeights } from './model.ts';
import type { ClassifierModel, ClassifierWeights } from './model.ts';
import { profileInputs, profileWeights } from './profile.ts';
import shipped from './weights.json' with { type: 'json' };

/** What `npm run train:weights` made. */
export const shippedClassifier: ClassifierModel = modelOfWeights(shipped as unknown as ClassifierWeights);

/** A prompt of fewer words says too little for full confidence. */
const WORDS_FOR_CONFIDENCE = 8;
/** From this share of known words on the prompt is in a language and of a kind that training has seen. */
const WELL_KNOWN = 0.9;
/** From this confidence on only what was learnt counts; below it the hand-set signs speak too, and at 0 alone. */
const SURE = 0.5;

/**
 * The probability that a stronger tier would answer better, as learnt from which models answered what rightly. Where the prompt
 * is none that training knows (few words, another language), the hand-set signs speak instead, with little confidence.
 */
export function classifyBy(model: ClassifierModel, prompt: PromptFacts): Classification {
  return classificationOf(model, prompt, promptFeatures(prompt.prompt));
}

/** What the classifier sees of a prompt and makes of it as shipped: what a label keeps. */
export interface Seen {
  complexity: number;
  signals: number[];
}

export function seenOf(prompt: PromptFacts): Seen {
  return look(prompt).seen;
}

/** A classification by the trained classifier, with what a user's own traffic has changed of it, and what it saw. */
export function classifyAndSee(prompt: PromptFacts, profile: ClassifierProfile | null): { own: Classification; seen: Seen } {
  const { asShipped, features, seen } = look(prompt);
  return { own: profile === null ? asShipped : fitted(asShipped, features, profile), seen };
}

function look(prompt: PromptFacts): { asShipped: Classification; features: PromptFeatures; seen: Seen } {
  const features = promptFeatures(prompt.prompt);
  const asShipped = classificationOf(shippedClassifier, prompt, features);
  const signals = features.signals.map((value) => Math.round(value * 1000) / 1000);
  return { asShipped, features, seen: { complexity: asShipped.complexity, signals } };
}

function fitted(asShipped: Classification, { signals }: PromptFeatures, profile: ClassifierProfile): Classification {
  const logOdds = dot(profileWeights(profile), profileInputs(asShipped.complexity, signals, shippedClassifier));
  const complexity = round(1 / (1 + Math.exp(-logOdds)));
  return { ...asShipped, complexity, reason: `stronger tiers gained on ${percent(complexity)} of such prompts here` };
}

function classificationOf(model: ClassifierModel, prompt: PromptFacts, features: PromptFeatures): Classification {
  const confidence = confidenceOf(features, model);
  const learnt = gainProbability(features, model);
  if (confidence >= SURE) {
    const reason = `stronger models gain on ${percent(learnt)} of such prompts`;
    return { task: prompt.task, complexity: round(learnt), confidence: round(confidence), reason };
  }
  const signs = heuristicClassifier(prompt);
  const say = confidence / SURE;
  return {
    task: prompt.task,
    complexity: round(say * learnt + (1 - say) * signs.complexity),
    confidence: round(confidence),
    reason: signs.reason,
  };
}

function confidenceOf(features: PromptFeatures, model: ClassifierModel): number {
  const length = Math.min(1, features.reading.words / WORDS_FOR_CONFIDENCE);
  // Half of all unknown words fall on a bit that is set.
  return length * Math.max(0, Math.min(1, (2 * knownShare(features, model) - 1) / (2 * WELL_KNOWN - 1)));
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
