import { deviation } from '../classifier/model.ts';
import { sumOfTrees } from '../trees.ts';
import type { BoostedTrees } from '../trees.ts';
import { comeToTheSame, logOddsAmong } from './agreement.ts';
import type { Agreement, Compared } from './agreement.ts';
import { choiceNames, contentNames, denseNames } from './features.ts';
import type { AnswerFacts, Block } from './features.ts';

/** What training makes of recorded answers: the same bytes for the same answers. */
export interface ScorerWeights {
  /** Of the dense features: by them a profile sees a feature in standard deviations. */
  mean: number[];
  scale: number[];
  /** Of each kind of question, over `blockFeatures`. */
  blocks: Record<Block, BoostedTrees>;
  /** From the log-odds of the trees to calibrated ones. */
  calibration: Record<Block, Calibration>;
}

/** Log-odds = intercept + slope · score; with others see `Agreement`. */
export interface Calibration {
  intercept: number;
  slope: number;
  /** That two letters are the same says less than that two numbers are. */
  withOthers: Agreement;
}

export const blocks = ['open', 'choice'] as const satisfies Block[];

/**
 * The features that count in each block, by their place among `denseNames`. Where options are listed only what is said counts,
 * not how: how long and in which manner an answer is written differs between models far more than between right and wrong.
 */
const blockFeatures: Record<Block, number[]> = {
  open: placesOf(denseNames.filter((name) => !choiceNames.includes(name))),
  choice: placesOf(denseNames.filter((name) => choiceNames.includes(name) || contentNames.includes(name))),
};

function placesOf(names: string[]): number[] {
  return names.map((name) => denseNames.indexOf(name));
}

/** The facts as a profile sees them: in standard deviations from the mean, and 0 where the block's trees do not look. */
export function shown({ dense, block }: AnswerFacts, { mean, scale }: Pick<ScorerWeights, 'mean' | 'scale'>): number[] {
  const seen = dense.map(() => 0);
  for (const feature of blockFeatures[block]) seen[feature] = deviation(dense[feature]!, mean[feature]!, scale[feature]!);
  return seen;
}

/** What the trees of a block look at. */
export function inputsOf({ dense, block }: AnswerFacts): number[] {
  return blockFeatures[block].map((feature) => dense[feature]!);
}

/** The log-odds that an answer is right, not calibrated yet. */
export function rawScore(facts: AnswerFacts, weights: Pick<ScorerWeights, 'blocks'>): number {
  return sumOfTrees(inputsOf(facts), weights.blocks[facts.block]);
}

/** That all others agree speaks so much for an answer at least, in log-odds, however poor they look; that none does, against it. */
const LEAST_SAID = 0.1;

/** The calibrated log-odds that an answer is right, given others to the same prompt. */
export function calibrated(own: Compared, others: readonly Compared[], { intercept, slope, withOthers }: Calibration): number {
  const alone = intercept + slope * own.score;
  if (others.length === 0) return alone;
  const among = logOddsAmong([own, ...others], withOthers);
  const agreeing = others.filter((other) => comeToTheSame(own, other)).length;
  if (agreeing === others.length) return Math.max(alone + LEAST_SAID, among);
  return agreeing === 0 ? Math.min(alone - LEAST_SAID, among) : among;
}

export function probabilityOf(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}
