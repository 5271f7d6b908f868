import { draw } from '../draw.ts';

/** A question with what each tier answered, from the cheapest tier to the dearest. */
export interface LabelledQuestion {
  /** In [0, 1], as the classifier has it. */
  complexity: number;
  answers: LabelledAnswer[];
}

interface LabelledAnswer {
  ok: boolean;
  /** In [0, 1], as the scorer has it, of an answer that it has not learnt from. */
  score: number;
  costUsd: number;
}

/** Where jobs start and what is accepted. `startAt[t]`: from this complexity on tier t is left out. `acceptAt[t]`: of all tiers but the last. */
export interface Thresholds {
  startAt: number[];
  acceptAt: number[];
}

/** What thresholds come to: right answers as a share of those of the top tier, cost as a share of what it alone costs. */
export interface Outcome {
  quality: number;
  cost: number;
}

export interface FittedThresholds extends Thresholds, Outcome {
  /** 90 % of resampled label sets come to a quality within. */
  qualityWithin: [number, number];
}

/** So many thresholds are tried of each kind, by the number of tiers from two on: the quantiles of what occurs. More tiers are more combinations. */
const TRIED = [40, 14, 7, 5, 3, 2];
const TRIED_STARTS = [12, 5, 3, 2];
const RESAMPLES = 400;

/**
 * How many standard errors a quality must lie above the target, so that it holds for nine of ten sets of such questions: 1.28 for
 * one choice of thresholds, and more because the cheapest of many is chosen, which is cheap by luck too.
 */
const MARGIN = 1.64;

/**
 * The cheapest thresholds that can be trusted to reach a share of the top tier's quality on more such questions; null where
 * there are too few labels to trust any. The same questions in the same order give the same thresholds.
 *
 * @param mayStartHigher false: whatever its complexity, a question starts at the cheapest tier
 */
export function fitThresholds(questions: LabelledQuestion[], target: number, mayStartHigher = true): FittedThresholds | null {
  const tiers = questions[0]?.answers.length ?? 0;
  const starts = mayStartHigher ? risingStarts(questions, tiers) : [Array.from({ length: tiers - 1 }, () => NEVER)];
  let best: (Thresholds & Outcome) | null = null;
  for (const startAt of starts)
    for (const acceptAt of combinations(acceptChoices(questions, tiers))) {
      const outcome = deliveredBy(questions, { startAt, acceptAt });
      if ((best === null || outcome.cost < best.cost) && isTrusted(questions, { startAt, acceptAt }, target))
        best = { startAt, acceptAt, ...outcome };
    }
  return best && { ...best, qualityWithin: qualityWithin(questions, best) };
}

/** What would have become of these questions. */
export function deliveredBy(questions: LabelledQuestion[], thresholds: Thresholds): Outcome {
  let [right, cost, topRight, topCost] = [0, 0, 0, 0];
  for (const question of questions) {
    const routed = route(question, thresholds);
    const top = question.answers.at(-1)!;
    right += Number(routed.ok);
    cost += routed.costUsd;
    topRight += Number(top.ok);
    topCost += top.costUsd;
  }
  return { quality: topRight === 0 ? 1 : right / topRight, cost: topCost === 0 ? 1 : cost / topCost };
}

/** The answer that a question would have got, with what was paid on the way. */
function route({ complexity, answers }: LabelledQuestion, { startAt, acceptAt }: Thresholds): { ok: boolean; costUsd: number } {
  let tier = 0;
  while (tier < startAt.length && complexity >= startAt[tier]!) tier += 1;
  let costUsd = answers[tier]!.costUsd;
  while (tier < acceptAt.length && answers[tier]!.score < acceptAt[tier]!) {
    tier += 1;
    costUsd += answers[tier]!.costUsd;
  }
  return { ok: answers[tier]!.ok, costUsd };
}

/** Whether the right answers exceed the target by so much that it is no accident of these questions. */
function isTrusted(questions: LabelledQuestion[], thresholds: Thresholds, target: number): boolean {
  // One further question goes wrong: a handful that all go right does not vary, and would be trusted without any margin.
  let [sum, squares] = [-target, target * target];
  for (const question of questions) {
    const above = Number(route(question, thresholds).ok) - target * Number(question.answers.at(-1)!.ok);
    sum += above;
    squares += above * above;
  }
  const count = questions.length + 1;
  const mean = sum / count;
  const variance = Math.max(0, squares / count - mean * mean);
  return mean >= MARGIN * Math.sqrt(variance / count);
}

function qualityWithin(questions: LabelledQuestion[], thresholds: Thresholds): [number, number] {
  const qualities = Array.from({ length: RESAMPLES }, (_, round) => {
    const seed = draw(0.5, round);
    const drawn = questions.map((_question, index) => questions[Math.floor(draw(seed, index) * questions.length)]!);
    return deliveredBy(drawn, thresholds).quality;
  }).toSorted((a, b) => a - b);
  return [qualities[Math.floor(RESAMPLES * 0.05)]!, qualities[Math.floor(RESAMPLES * 0.95)]!];
}

/** For each tier but the last: accept everything (0), or from one of the scores that occur there. */
function acceptChoices(questions: LabelledQuestion[], tiers: number): number[][] {
  return Array.from({ length: tiers - 1 }, (_, tier) => [
    0,
    ...quantiles(
      questions.map(({ answers }) => answers[tier]!.score),
      TRIED[tiers - 2] ?? TRIED.at(-1)!,
    ),
  ]);
}

/** Thresholds of complexity that rise; 1.01 leaves the tier out for nobody. */
function risingStarts(questions: LabelledQuestion[], tiers: number): number[][] {
  const choices = quantiles(
    questions.map(({ complexity }) => complexity),
    TRIED_STARTS[tiers - 2] ?? TRIED_STARTS.at(-1)!,
  );
  const all = combinations(Array.from({ length: tiers - 1 }, () => [...choices, NEVER]));
  return all.filter((starts) => starts.every((value, index) => index === 0 || value >= starts[index - 1]!));
}

const NEVER = 1.01;

function quantiles(values: number[], count: number): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  return [...new Set(Array.from({ length: count }, (_, index) => sorted[Math.floor(((index + 0.5) * sorted.length) / count)]!))];
}

function combinations(choices: number[][]): number[][] {
  return choices.reduce<number[][]>((all, next) => all.flatMap((chosen) => next.map((value) => [...chosen, value])), [[]]);
}
