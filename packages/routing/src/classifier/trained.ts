import { heuristicClassifier } from '../classify.ts';
import type { Classifier } from '../classify.ts';
import { promptFeatures } from './features.ts';
import type { PromptFeatures } from './features.ts';
import { gainProbability, knownShare, modelOfWeights } from './model.ts';
import shipped from './weights.json' with { type: 'json' };

const model = modelOfWeights(shipped);

/** A prompt of fewer words says too little for full confidence. */
const WORDS_FOR_CONFIDENCE = 8;
/** From this share of known words on the prompt is in a language and of a kind that training has seen. */
const WELL_KNOWN = 0.9;

/**
 * The probability that a stronger tier would answer better, as learnt from which models answered what rightly. Where the prompt
 * is none that training knows (few words, another language), the hand-set signs speak instead, with little confidence.
 */
export const trainedClassifier: Classifier = (prompt) => {
  const features = promptFeatures(prompt.prompt);
  const confidence = confidenceOf(features);
  const learnt = gainProbability(features, model);
  const reason = `stronger models gain on ${percent(learnt)} of such prompts`;
  if (confidence === 1) return { task: prompt.task, complexity: round(learnt), confidence, reason };
  const signs = heuristicClassifier(prompt);
  return {
    task: prompt.task,
    complexity: round(confidence * learnt + (1 - confidence) * signs.complexity),
    confidence: round(confidence),
    reason: confidence >= 0.5 ? reason : signs.reason,
  };
};

function confidenceOf(features: PromptFeatures): number {
  const length = Math.min(1, features.reading.words / WORDS_FOR_CONFIDENCE);
  // Half of all unknown words fall on a bit that is set.
  return length * Math.max(0, Math.min(1, (2 * knownShare(features, model) - 1) / (2 * WELL_KNOWN - 1)));
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
