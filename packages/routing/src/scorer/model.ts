import { deviation } from '../classifier/model.ts';
import { comeToTheSame, logOddsAmong } from './agreement.ts';
import type { Agreement, Compared } from './agreement.ts';
import { choiceNames, contentNames, denseNames } from './features.ts';
import type { AnswerFacts, Block } from './features.ts';

/** A split of a tree: bin `atMost` or lower of a feature goes left. A number is a leaf, in log-odds. */
export type Tree = number | [feature: number, atMost: number, left: Tree, right: Tree];

/** What training makes of recorded answers: the same bytes for the same answers. */
export interface ScorerWeights {
  /** Of the dense features: by them a profile sees a feature in standard deviations. */
  mean: number[];
  scale: number[];
  blocks: Record<Block, BlockWeights>;
  /** From the log-odds of the trees to calibrated ones. */
  calibration: Record<Block, Calibration>;
}

/** Boosted trees of one kind of question, over `blockFeatures`. */
export interface BlockWeights {
  /** Upper bounds of the bins of each feature. */
  cuts: number[][];
  /** Where the trees begin, in log-odds. */
  base: number;
  trees: Tree[];
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
export const blockFeatures: Record<Block, number[]> = {
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

/** The bins of a block's features. */
export function binsOf({ dense, block }: AnswerFacts, cuts: number[][]): number[] {
  return blockFeatures[block].map((feature, index) => {
    const value = dense[feature]!;
    const bounds = cuts[index]!;
    let bin = 0;
    while (bin < bounds.length && value > bounds[bin]!) bin += 1;
    return bin;
  });
}

export function leafOf(tree: Tree, bins: number[]): number {
  let node = tree;
  while (typeof node !== 'number') node = (bins[node[0]] ?? 0) <= node[1] ? node[2] : node[3];
  return node;
}

/** The log-odds that an answer is right, not calibrated yet. */
export function rawScore(facts: AnswerFacts, weights: Pick<ScorerWeights, 'blocks'>): number {
  const { cuts, base, trees } = weights.blocks[facts.block];
  const bins = binsOf(facts, cuts);
  return trees.reduce<number>((sum, tree) => sum + leafOf(tree, bins), base);
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
