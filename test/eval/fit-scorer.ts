import { factsOfAnswer, WORD_BUCKETS } from '../../packages/routing/src/scorer/features.ts';
import type { AnswerFacts } from '../../packages/routing/src/scorer/features.ts';
import { agrees } from '../../packages/routing/src/scorer/score-answer.ts';
import { binsOf, blockOf, leafOf, rawScore, shareOfWord, standardized } from '../../packages/routing/src/scorer/model.ts';
import type { Agreement, Block, Calibration, ScorerWeights, Tree } from '../../packages/routing/src/scorer/model.ts';
import type { LabelledAnswer } from './scorer-rows.ts';

/** Chosen by cross-validation over questions; the figures in docs/routing-quality.md are those of these values. */
const LINEAR = { epochs: 15, step: 0.15, l2: 0.03 };
const TREES = { count: 120, depth: 3, step: 0.08, bins: 24, leastHessian: 15, shrink: 5 };
const FOLDS = 5;

type Learnt = Omit<ScorerWeights, 'calibration'>;

const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));
const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

/** The same question is in the same fold in every set. */
export function foldOf(id: string): number {
  return Number.parseInt(id.slice(0, 6), 16) % FOLDS;
}

/** Weights from labelled answers: the same answers in the same order give the same weights. */
export function fitScorer(rows: LabelledAnswer[], progress: (done: number) => void = () => undefined): ScorerWeights {
  const facts = rows.map(({ prompt, answer }) => factsOfAnswer(prompt, answer));
  const labels = rows.map(({ right }) => right);
  // Scores of questions that the model has not seen: by them what agreement is worth is fitted.
  const unseen = new Float64Array(rows.length);
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const train = rows.flatMap(({ id }, index) => (foldOf(id) === fold ? [] : [index]));
    const learnt = learn(
      train.map((index) => facts[index]!),
      train.map((index) => labels[index]!),
    );
    rows.forEach(({ id }, index) => {
      if (foldOf(id) === fold) unseen[index] = rawScore(facts[index]!, learnt as ScorerWeights);
    });
    progress((fold + 1) / (FOLDS + 1));
  }
  const learnt = learn(facts, labels);
  progress(1);
  return { ...learnt, calibration: fitCalibration(rows, unseen) };
}

/** The models alone, without calibration. */
function learn(facts: AnswerFacts[], labels: number[]): Learnt {
  const scaling = scalingOf(facts);
  const cuts = cutsOf(facts);
  return { ...scaling, ...fitLinear(facts, labels, scaling), cuts, trees: fitTrees(facts, labels, cuts) };
}

function scalingOf(facts: AnswerFacts[]): Pick<ScorerWeights, 'mean' | 'scale'> {
  const width = facts[0]?.dense.length ?? 0;
  const mean = Array.from(
    { length: width },
    (_, index) => facts.reduce((sum, { dense }) => sum + dense[index]!, 0) / facts.length,
  );
  const scale = mean.map((middle, index) => {
    const variance = facts.reduce((sum, { dense }) => sum + (dense[index]! - middle) ** 2, 0) / facts.length;
    return variance < 1e-9 ? 0 : 1 / Math.sqrt(variance);
  });
  return { mean: mean.map(rounded), scale: scale.map(rounded) };
}

const blocks = ['number', 'letter', 'text'] as const;

/** Logistic regression by AdaGrad, with a block of weights for each kind of final answer. */
function fitLinear(
  facts: AnswerFacts[],
  labels: number[],
  scaling: Pick<ScorerWeights, 'mean' | 'scale'>,
): Pick<ScorerWeights, 'linear' | 'words'> {
  const width = scaling.mean.length + 1;
  const wordsFrom = blocks.length * width;
  const size = wordsFrom + 2 * WORD_BUCKETS;
  const inputs = facts.map((fact) => {
    const block = blocks.indexOf(blockOf(fact)) * width;
    const from = wordsFrom + (blockOf(fact) === 'letter' ? 0 : WORD_BUCKETS);
    const dense = standardized(fact, scaling);
    return {
      at: Int32Array.from([block, ...dense.map((_, index) => block + 1 + index), ...fact.words.map((word) => from + word)]),
      value: Float64Array.from([1, ...dense, ...fact.words.map(() => shareOfWord(fact))]),
    };
  });
  const weights = new Float64Array(size);
  const squares = new Float64Array(size).fill(1e-8);
  for (let epoch = 0; epoch < LINEAR.epochs; epoch += 1)
    for (let turn = 0; turn < inputs.length; turn += 1) {
      // A fixed walk that mixes the sets: multiples of a prime, begun elsewhere in each epoch.
      const row = (turn * 7919 + epoch * 104_729) % inputs.length;
      const { at, value } = inputs[row]!;
      let sum = 0;
      for (let index = 0; index < at.length; index += 1) sum += weights[at[index]!]! * value[index]!;
      const error = sigmoid(sum) - labels[row]!;
      for (let index = 0; index < at.length; index += 1) {
        const position = at[index]!;
        const slope = error * value[index]! + LINEAR.l2 * weights[position]!;
        squares[position]! += slope * slope;
        weights[position]! -= (LINEAR.step * slope) / Math.sqrt(squares[position]!);
      }
    }
  const part = (from: number, length: number): number[] => Array.from(weights.subarray(from, from + length), rounded);
  return {
    linear: { number: part(0, width), letter: part(width, width), text: part(2 * width, width) },
    words: { letter: part(wordsFrom, WORD_BUCKETS), other: part(wordsFrom + WORD_BUCKETS, WORD_BUCKETS) },
  };
}

/** Bins of about equally many answers each. */
function cutsOf(facts: AnswerFacts[]): number[][] {
  const width = facts[0]?.dense.length ?? 0;
  return Array.from({ length: width }, (_, feature) => {
    const sorted = facts.map(({ dense }) => dense[feature]!).toSorted((a, b) => a - b);
    const cuts = Array.from({ length: TREES.bins - 1 }, (__, cut) =>
      rounded(sorted[Math.floor(((cut + 1) * sorted.length) / TREES.bins)]!),
    );
    return [...new Set(cuts)];
  });
}

/** Gradient boosting of small trees over binned features, by the second order of the logistic loss. */
function fitTrees(facts: AnswerFacts[], labels: number[], cuts: number[][]): Tree[] {
  const bins = facts.map((fact) => binsOf(fact, cuts));
  const all = facts.map((_, index) => index);
  const sums = new Float64Array(facts.length);
  const slopes = new Float64Array(facts.length);
  const curves = new Float64Array(facts.length);
  return Array.from({ length: TREES.count }, () => {
    for (const row of all) {
      const chance = sigmoid(sums[row]!);
      slopes[row] = chance - labels[row]!;
      curves[row] = chance * (1 - chance);
    }
    const tree = grow(all, TREES.depth, { bins, slopes, curves });
    for (const row of all) sums[row]! += leafOf(tree, bins[row]!);
    return tree;
  });
}

interface Loss {
  bins: number[][];
  slopes: Float64Array;
  curves: Float64Array;
}

function grow(rows: number[], depth: number, loss: Loss): Tree {
  const slope = rows.reduce((sum, row) => sum + loss.slopes[row]!, 0);
  const curve = rows.reduce((sum, row) => sum + loss.curves[row]!, 0);
  const split = depth === 0 ? null : bestSplit(rows, loss, slope, curve);
  if (split === null) return rounded((-TREES.step * slope) / (curve + TREES.shrink));
  const isLeft = (row: number): boolean => loss.bins[row]![split.feature]! <= split.atMost;
  const [left, right] = [rows.filter(isLeft), rows.filter((row) => !isLeft(row))];
  return [split.feature, split.atMost, grow(left, depth - 1, loss), grow(right, depth - 1, loss)];
}

function bestSplit(rows: number[], loss: Loss, slope: number, curve: number): { feature: number; atMost: number } | null {
  const worth = (sum: number, weight: number): number => (sum * sum) / (weight + TREES.shrink);
  let best: { feature: number; atMost: number } | null = null;
  let most = 1e-6;
  const width = loss.bins[0]?.length ?? 0;
  for (let feature = 0; feature < width; feature += 1) {
    const slopes = new Float64Array(TREES.bins);
    const curves = new Float64Array(TREES.bins);
    for (const row of rows) {
      const bin = loss.bins[row]![feature]!;
      slopes[bin]! += loss.slopes[row]!;
      curves[bin]! += loss.curves[row]!;
    }
    let [left, weight] = [0, 0];
    for (let bin = 0; bin < TREES.bins - 1; bin += 1) {
      left += slopes[bin]!;
      weight += curves[bin]!;
      if (weight < TREES.leastHessian || curve - weight < TREES.leastHessian) continue;
      const gain = worth(left, weight) + worth(slope - left, curve - weight) - worth(slope, curve);
      if (gain > most) [most, best] = [gain, { feature, atMost: bin }];
    }
  }
  return best;
}

/** What a score, and what agreement with one or two other cheap answers, is worth in log-odds. */
function fitCalibration(rows: LabelledAnswer[], scores: Float64Array): Calibration {
  const alone = fitLogistic(rows.map(({ right }, index) => ({ inputs: [1, scores[index]!], right })));
  const byQuestion = Map.groupBy(rows, ({ id }) => id);
  const scoreOf = new Map(rows.map((row, index) => [row, scores[index]!]));
  const together = rows.flatMap((row, index) => {
    const others = (byQuestion.get(row.id) ?? []).filter((other) => other !== row);
    const block = blockOf(factsOfAnswer(row.prompt, row.answer));
    return others.flatMap((_, so) => {
      const taken = others.slice(0, so + 1);
      const agreeing = taken.filter((other) => agrees(row.answer, other.answer));
      const differing = taken.filter((other) => !agreeing.includes(other));
      const sum = (of: LabelledAnswer[]): number => of.reduce((total, other) => total + scoreOf.get(other)!, 0);
      const inputs = [1, scores[index]!, agreeing.length, differing.length, sum(agreeing), sum(differing)];
      return [{ block, inputs, right: row.right }];
    });
  });
  const ofBlock = (block: Block): Agreement => {
    const fitted = fitLogistic(
      together.filter((row) => row.block === block),
      1,
    );
    const [intercept = 0, slope = 1, agreeing = 0, differing = 0, agreeingScore = 0, differingScore = 0] = fitted;
    return { intercept, slope, agreeing, differing, agreeingScore, differingScore };
  };
  const [intercept = 0, slope = 1] = alone;
  return { intercept, slope, withOthers: { number: ofBlock('number'), letter: ofBlock('letter'), text: ofBlock('text') } };
}

/** Logistic regression of few inputs by Newton's method. */
function fitLogistic(rows: { inputs: number[]; right: number }[], prior = 1e-3): number[] {
  const width = rows[0]?.inputs.length ?? 0;
  const weights = Array.from({ length: width }, () => 0);
  for (let step = 0; step < 30; step += 1) {
    const slope = weights.map((weight) => prior * weight);
    const curve = weights.map((_, row) => weights.map((__, column) => (row === column ? prior : 0)));
    for (const { inputs, right } of rows) {
      const chance = sigmoid(inputs.reduce((sum, value, index) => sum + value * weights[index]!, 0));
      for (let row = 0; row < width; row += 1) {
        slope[row]! += (chance - right) * inputs[row]!;
        for (let column = 0; column < width; column += 1)
          curve[row]![column]! += chance * (1 - chance) * inputs[row]! * inputs[column]!;
      }
    }
    solve(curve, slope).forEach((change, index) => (weights[index]! -= change));
  }
  return weights.map(rounded);
}

/** Gaussian elimination with pivots; the matrix is small and positive definite. */
function solve(matrix: number[][], vector: number[]): number[] {
  const rows = matrix.map((row, index) => [...row, vector[index]!]);
  const size = rows.length;
  for (let column = 0; column < size; column += 1) {
    const pivot = rows
      .slice(column)
      .reduce((best, row, index) => (Math.abs(row[column]!) > Math.abs(rows[best]![column]!) ? column + index : best), column);
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < size; row += 1) {
      if (row === column) continue;
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let index = column; index <= size; index += 1) rows[row]![index]! -= factor * rows[column]![index]!;
    }
  }
  return rows.map((row, index) => row[size]! / row[index]!);
}
