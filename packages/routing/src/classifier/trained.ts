import type { Classification, ClassifierProfile } from '@upshift/contracts';

import { heuristicClassifier } from '../classify.ts';
import type { Classifier, PromptFacts } from '../classify.ts';
import { dot } from '../held-logistic.ts';
import { promptFeatures } from './features.ts';
import type { PromptFeatures } from './features.ts';
import { gainProbability, knownShare, modelOfWeights } from './model.ts';
import { profileInputs, profileWeights } from './profile.ts';
import shipped from './weights.json' with { type: 'json' };

/** What `npm run train:classifier` made. */
export const classifierModel = modelOfWeights(shipped);

/** A prompt of fewer words says too little for full confidence. */
const WORDS_FOR_CONFIDENCE = 8;
/** From this share of known words on the prompt is in a language and of a kind that training has seen. */
const WELL_KNOWN = 0.9;

/**
 * The probability that a stronger tier would answer better, as learnt from which models answered what rightly. Where the prompt
 * is none that training knows (few words, another language), the hand-set signs speak instead, with little confidence.
 */
export const trainedClassifier: Classifier = (prompt) => classificationOf(prompt, promptFeatures(prompt.prompt));

/** The trained classifier with what a user's own traffic has changed of it. */
export function fittedClassifier(profile: ClassifierProfile): Classifier {
  const weights = profileWeights(profile);
  return (prompt) => {
    const features = promptFeatures(prompt.prompt);
    const shipped = classificationOf(prompt, features);
    const logOdds = dot(weights, profileInputs(shipped.complexity, features.signals, classifierModel));
    const complexity = round(1 / (1 + Math.exp(-logOdds)));
    return { ...shipped, complexity, reason: `stronger tiers gained on ${percent(complexity)} of such prompts here` };
  };
}

/** What the classifier sees of a prompt and makes of it as shipped: what a label keeps. */
export function seenOf(prompt: PromptFacts): { complexity: number; signals: number[] } {
  const features = promptFeatures(prompt.prompt);
  return { complexity: classificationOf(prompt, features).complexity, signals: features.signals };
}

function classificationOf(prompt: PromptFacts, features: PromptFeatures): Classification {
  const confidence = confidenceOf(features);
  const learnt = gainProbability(features, classifierModel);
  const reason = `stronger models gain on ${percent(learnt)} of such prompts`;
  if (confidence === 1) return { task: prompt.task, complexity: round(learnt), confidence, reason };
  const signs = heuristicClassifier(prompt);
  return {
    task: prompt.task,
    complexity: round(confidence * learnt + (1 - confidence) * signs.complexity),
    confidence: round(confidence),
    reason: confidence >= 0.5 ? reason : signs.reason,
  };
}

function confidenceOf(features: PromptFeatures): number {
  const length = Math.min(1, features.reading.words / WORDS_FOR_CONFIDENCE);
  // Half of all unknown words fall on a bit that is set.
  return length * Math.max(0, Math.min(1, (2 * knownShare(features, classifierModel) - 1) / (2 * WELL_KNOWN - 1)));
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
