import { mean } from './metrics.ts';
import type { PairQuestion } from './pairs.ts';

/** A way to choose between the two models of a pair. */
export interface Router {
  track: 'baseline' | 'shipped defaults' | 'calibrated' | 'extra cheap answers';
  name: string;
  /** A cascade pays the weak model for every question, because it looks at its answer; who sees only the prompt pays one of both. */
  kind: 'prompt' | 'cascade';
  /** Of each question: the higher, the rather the strong model. */
  scores: number[];
  /** Further cheap answers that are paid for on every question. */
  extra: number;
}

/** A point of a curve: what was paid as a share of what the strong model alone costs, and the share of right answers. */
export interface MoneyPoint {
  cost: number;
  quality: number;
  /** The share of questions that the strong model was asked. */
  strongShare: number;
}

/** The curve of a router from no call of the strong model to all: a point wherever a threshold can lie. */
export function moneyCurve(questions: readonly PairQuestion[], { kind, scores, extra }: Router): MoneyPoint[] {
  const order = questions.map((_, index) => index).toSorted((a, b) => scores[b]! - scores[a]!);
  const strongUsd = questions.reduce((sum, question) => sum + question.strongUsd, 0);
  let usd = questions.reduce((sum, question) => sum + question.weakUsd + extraUsd(question, extra), 0);
  let right = questions.reduce((sum, { weak }) => sum + weak, 0);
  const count = questions.length;
  const points = [{ cost: usd / strongUsd, quality: right / count, strongShare: 0 }];
  order.forEach((at, place) => {
    const question = questions[at]!;
    right += question.strong - question.weak;
    usd += question.strongUsd - (kind === 'prompt' ? question.weakUsd : 0);
    const next = order[place + 1];
    if (next === undefined || scores[next] !== scores[at])
      points.push({ cost: usd / strongUsd, quality: right / count, strongShare: (place + 1) / count });
  });
  return points;
}

export function extraUsd({ others }: PairQuestion, extra: number): number {
  return others.slice(0, extra).reduce((sum, { usd }) => sum + usd, 0);
}

/** The first point of a curve with this quality; undefined where it never reaches it. */
export function reaching(curve: readonly MoneyPoint[], quality: number): MoneyPoint | undefined {
  return curve.find((point) => point.quality >= quality - 1e-9);
}

type Spot = Pick<MoneyPoint, 'cost' | 'quality'>;

/** The upper convex hull of points, from the cheapest to the best: what can be had by mixing them. */
export function hullOf(points: readonly Spot[]): Spot[] {
  const sorted = points.toSorted((a, b) => a.cost - b.cost || b.quality - a.quality);
  const hull: Spot[] = [];
  for (const point of sorted) {
    while (hull.length >= 2 && turnsUp(hull.at(-2)!, hull.at(-1)!, point)) hull.pop();
    if (hull.length === 0 || point.quality > hull.at(-1)!.quality) hull.push(point);
  }
  return hull;
}

function turnsUp(first: Spot, second: Spot, third: Spot): boolean {
  return (
    (second.quality - first.quality) * (third.cost - first.cost) <= (third.quality - first.quality) * (second.cost - first.cost)
  );
}

/** The least cost at which a hull has this quality; undefined where it never does. */
export function hullCost(hull: readonly Spot[], quality: number): number | undefined {
  for (const [index, point] of hull.entries()) {
    if (point.quality < quality - 1e-9) continue;
    const before = hull[index - 1];
    if (before === undefined) return point.cost;
    return before.cost + ((quality - before.quality) / (point.quality - before.quality)) * (point.cost - before.cost);
  }
  return undefined;
}

/**
 * Average improvement in quality (RouterBench): the mean quality of the hull of a curve and both single models, over all costs
 * from the weak model's to the strong one's.
 */
export function aiqOf(questions: readonly PairQuestion[], curve: readonly Spot[]): number {
  const strongUsd = mean(questions.map((question) => question.strongUsd));
  const weak = {
    cost: mean(questions.map((question) => question.weakUsd)) / strongUsd,
    quality: mean(questions.map((q) => q.weak)),
  };
  const strong = { cost: 1, quality: mean(questions.map((question) => question.strong)) };
  const hull = hullOf([weak, strong, ...curve.filter(({ cost }) => cost >= weak.cost && cost <= 1)]);
  let area = 0;
  hull.forEach((point, index) => {
    const next = hull[index + 1] ?? { cost: 1, quality: point.quality };
    area += ((point.quality + next.quality) / 2) * Math.max(0, Math.min(1, next.cost) - point.cost);
  });
  return area / (1 - weak.cost);
}
