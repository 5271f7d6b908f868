import type { AnswerFacts } from './features.ts';

/** A split of a tree: bin `atMost` or lower of a feature goes left. A number is a leaf, in log-odds. */
export type Tree = number | [feature: number, atMost: number, left: Tree, right: Tree];

/** What training makes of recorded answers. Made by `npm run train:scorer`, which gives the same bytes for the same answers. */
export interface ScorerWeights {
  mean: number[];
  scale: number[];
  /** Intercept and one weight per dense feature, by kind of the final answer. */
  linear: { number: number[]; letter: number[]; text: number[] };
  /** Weights of hashed words of the prompt: those of questions with options, and all others. */
  words: { letter: number[]; other: number[] };
  /** Upper bounds of the bins of each dense feature. */
  cuts: number[][];
  trees: Tree[];
  /** From the mean of both models' log-odds to calibrated log-odds. */
  calibration: Calibration;
}

/** Log-odds = intercept + slope · score; with others see `Agreement`. */
export interface Calibration {
  intercept: number;
  slope: number;
  /** By kind of the final answer: that two letters are the same says less than that two numbers are. */
  withOthers: Record<Block, Agreement>;
}

/** What other answers to the same prompt are worth in log-odds: each by its number, and by how good it looks itself. */
export interface Agreement {
  intercept: number;
  slope: number;
  agreeing: number;
  differing: number;
  agreeingScore: number;
  differingScore: number;
}

/** Others that come to the same and that do not: how many, and the sum of their raw scores. */
export interface Others {
  agreeing: number;
  differing: number;
  agreeingScore: number;
  differingScore: number;
}

export const noOthers: Others = { agreeing: 0, differing: 0, agreeingScore: 0, differingScore: 0 };

/** Words weigh as much as so many dense features of one standard deviation, together. */
const WORDS = 3;

export type Block = 'number' | 'letter' | 'text';

export function blockOf({ kind }: AnswerFacts): Block {
  return kind === 'none' ? 'text' : kind;
}

/** The facts as the linear model sees them: standardized, and with the share of each word. */
export function standardized({ dense }: AnswerFacts, { mean, scale }: Pick<ScorerWeights, 'mean' | 'scale'>): number[] {
  return dense.map((value, index) => (value - (mean[index] ?? 0)) * (scale[index] ?? 0));
}

export function shareOfWord({ words }: AnswerFacts): number {
  return WORDS / Math.sqrt(Math.max(1, words.length));
}

/** The bins of the dense features, and the kind as one more. */
export function binsOf(facts: AnswerFacts, cuts: number[][]): number[] {
  const bins = facts.dense.map((value, index) => cuts[index]?.filter((cut) => value > cut).length ?? 0);
  return [...bins, ['number', 'letter', 'text'].indexOf(blockOf(facts))];
}

export function leafOf(tree: Tree, bins: number[]): number {
  let node = tree;
  while (typeof node !== 'number') node = (bins[node[0]] ?? 0) <= node[1] ? node[2] : node[3];
  return node;
}

/** The mean of both models' log-odds that an answer is right, not calibrated yet. */
export function rawScore(facts: AnswerFacts, weights: ScorerWeights): number {
  return (linearScore(facts, weights) + treeScore(facts, weights)) / 2;
}

function linearScore(facts: AnswerFacts, weights: ScorerWeights): number {
  const block = blockOf(facts);
  const [intercept = 0, ...slopes] = weights.linear[block];
  const dense = standardized(facts, weights).reduce((sum, value, index) => sum + value * (slopes[index] ?? 0), intercept);
  const words = weights.words[block === 'letter' ? 'letter' : 'other'];
  return dense + shareOfWord(facts) * facts.words.reduce((sum, word) => sum + (words[word] ?? 0), 0);
}

function treeScore(facts: AnswerFacts, { cuts, trees }: ScorerWeights): number {
  const bins = binsOf(facts, cuts);
  return trees.reduce<number>((sum, tree) => sum + leafOf(tree, bins), 0);
}

/** The calibrated log-odds of an answer, given the others. */
export function calibrated(score: number, calibration: Calibration, block: Block, others: Others): number {
  if (others.agreeing + others.differing === 0) return calibration.intercept + calibration.slope * score;
  const worth = calibration.withOthers[block];
  return (
    worth.intercept +
    worth.slope * score +
    worth.agreeing * others.agreeing +
    worth.differing * others.differing +
    worth.agreeingScore * others.agreeingScore +
    worth.differingScore * others.differingScore
  );
}

export function probabilityOf(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}
