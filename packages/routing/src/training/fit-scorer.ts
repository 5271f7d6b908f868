import { factsOfAnswer, denseNames } from '../scorer/features.ts';
import type { AnswerFacts, Block } from '../scorer/features.ts';
import { blocks, inputsOf, rawScore } from '../scorer/model.ts';
import type { Calibration, ScorerWeights } from '../scorer/model.ts';
import type { BoostedTrees } from '../trees.ts';
import { fitAgreement } from './fit-agreement.ts';
import { foldOf, FOLDS } from './folds.ts';
import { fitTrees } from './grow-trees.ts';
import { fitLogistic } from './logistic.ts';

/** An answer of a model to a question, and whether it was right (0 or 1). */
export interface LabelledAnswer {
  /** Hash of the question's stem. */
  id: string;
  prompt: string;
  answer: string;
  right: number;
}

/** Intercepts are hardly held. */
const LOOSE = 1e-3;
/** Chosen by cross-validation over questions; the figures in docs/routing-quality.md are those of these values. */
const TREES = { count: 120, depth: 3, step: 0.08, leastCurve: 4, shrink: 5 };

type Learnt = Pick<ScorerWeights, 'mean' | 'scale' | 'blocks'>;

interface Example {
  facts: AnswerFacts;
  right: number;
}

const rounded = (value: number): number => Math.round(value * 1e4) / 1e4;

/** Weights from labelled answers: the same answers in the same order give the same weights. */
export function fitScorer(rows: readonly LabelledAnswer[], progress: (done: number) => void = () => undefined): ScorerWeights {
  const examples = rows.map(({ prompt, answer, right }) => ({ facts: factsOfAnswer(prompt, answer), right }));
  const unseen = unseenScores(rows, examples, progress);
  const learnt = learn(examples);
  progress(1);
  return { ...learnt, calibration: fitCalibration(rows, examples, unseen) };
}

/** Scores of questions that the models have not seen: by them it is fitted what a score and what agreement is worth. */
function unseenScores(rows: readonly LabelledAnswer[], examples: Example[], progress: (done: number) => void): Float64Array {
  const unseen = new Float64Array(rows.length);
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const learnt = learn(examples.filter((_, index) => foldOf(rows[index]!.id) !== fold));
    rows.forEach(({ id }, index) => {
      if (foldOf(id) === fold) unseen[index] = rawScore(examples[index]!.facts, learnt);
    });
    progress((fold + 1) / (FOLDS + 1));
  }
  return unseen;
}

/** The trees alone, without calibration. */
function learn(examples: Example[]): Learnt {
  const ofBlock = (block: Block): BoostedTrees => learnBlock(examples, block);
  return { ...scalingOf(examples), blocks: { open: ofBlock('open'), choice: ofBlock('choice') } };
}

function scalingOf(examples: Example[]): Pick<ScorerWeights, 'mean' | 'scale'> {
  const mean = denseNames.map((_, index) => examples.reduce((sum, { facts }) => sum + facts.dense[index]!, 0) / examples.length);
  const scale = mean.map((middle, index) => {
    const variance = examples.reduce((sum, { facts }) => sum + (facts.dense[index]! - middle) ** 2, 0) / examples.length;
    return variance < 1e-9 ? 0 : 1 / Math.sqrt(variance);
  });
  return { mean: mean.map(rounded), scale: scale.map(rounded) };
}

function learnBlock(examples: Example[], block: Block): BoostedTrees {
  const chosen = examples.filter(({ facts }) => facts.block === block);
  return fitTrees(
    chosen.map(({ facts }) => inputsOf(facts)),
    chosen.map(({ right }) => right),
    TREES,
  );
}

/** What a score, and what agreement with one or more other cheap answers, is worth in log-odds. */
function fitCalibration(rows: readonly LabelledAnswer[], examples: Example[], scores: Float64Array): Record<Block, Calibration> {
  const judged = examples.map(({ facts: { block, final, steps }, right }, index) => ({
    block,
    final,
    steps,
    right,
    score: scores[index]!,
    question: `${rows[index]!.id} ${rows[index]!.prompt}`,
  }));
  const ofBlock = (block: Block): Calibration => {
    const chosen = judged.filter((answer) => answer.block === block);
    const alone = chosen.map(({ score, right }) => ({ inputs: [1, score], ok: right }));
    const [intercept = 0, slope = 1] = fitLogistic(alone, { start: [0, 0], holds: [LOOSE, LOOSE] }).map(rounded);
    return { intercept, slope, withOthers: fitAgreement([...Map.groupBy(chosen, ({ question }) => question).values()]) };
  };
  return Object.fromEntries(blocks.map((block) => [block, ofBlock(block)])) as Record<Block, Calibration>;
}
