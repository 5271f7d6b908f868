import { probabilityOf } from '@upshift/routing';

import { baselinesOf } from './baselines.ts';
import { figuresOf } from './figures.ts';
import type { Figures } from './figures.ts';
import { mean } from './metrics.ts';
import { aiqOf, hullCost, hullOf, moneyCurve } from './money.ts';
import type { MoneyPoint, Router } from './money.ts';
import { oursOf } from './ours.ts';
import type { Weights } from './ours.ts';
import type { Pair } from './pairs.ts';
import { keptOf, promisesOf } from './promises.ts';
import type { Promise95 } from './promises.ts';

/** What the evaluation found of a router on a pair. */
export interface RouterResult extends Pick<Router, 'track' | 'name' | 'kind' | 'extra'> {
  figures: Figures;
  /** Cost and quality, thinned out for a plot. */
  curve: MoneyPoint[];
  /** Of cascades: answers by their score, with the mean score and the share that was right. */
  calibration: { score: number; right: number; answers: number }[];
}

export interface PairResult extends Omit<Pair, 'questions'> {
  questions: number;
  weakQuality: number;
  strongQuality: number;
  /** Cost of the weak model as a share of the strong one's. */
  weakCost: number;
  /** What mixing single models costs, as a share of the strong one, for 95, 99 and 100 % of its quality. */
  hull: {
    spots: { cost: number; quality: number }[];
    dollars_95: number | null;
    dollars_99: number | null;
    dollars_100: number | null;
    aiq: number;
  };
  routers: RouterResult[];
}

export interface Evaluation {
  weights: 'cross-fitted' | 'shipped';
  pairs: PairResult[];
  promises: Promise95[];
  kept: { promises: number; quality: number; cost: number };
}

/** Evaluates all routers on all pairs. */
export function evaluate(
  pairs: Pair[],
  weights: Weights,
  kind: Evaluation['weights'],
  progress: (done: number, what: string) => void,
): Evaluation {
  const promises: Promise95[] = [];
  const results = pairs.map((pair, index) => {
    progress(index / pairs.length, pair.name);
    const ours = oursOf(pair, weights);
    const classifier = ours.find(({ kind: sees }) => sees === 'prompt');
    promises.push(...ours.flatMap((router) => promisesOf(pair, router, classifier)));
    return resultOf(pair, [...baselinesOf(pair), ...ours]);
  });
  progress(1, 'done');
  return { weights: kind, pairs: results, promises, kept: keptOf(promises) };
}

function resultOf(pair: Pair, routers: Router[]): PairResult {
  const { questions, ...rest } = pair;
  const strongUsd = mean(questions.map((question) => question.strongUsd));
  return {
    ...rest,
    questions: questions.length,
    weakQuality: mean(questions.map(({ weak }) => weak)),
    strongQuality: mean(questions.map(({ strong }) => strong)),
    weakCost: mean(questions.map(({ weakUsd }) => weakUsd)) / strongUsd,
    hull: hullResult(pair),
    routers: routers.map((router) => ({
      track: router.track,
      name: router.name,
      kind: router.kind,
      extra: router.extra,
      figures: figuresOf(questions, router),
      curve: thinned(moneyCurve(questions, router)),
      calibration: router.kind === 'cascade' && router.track !== 'baseline' ? calibrationOf(pair, router) : [],
    })),
  };
}

function hullResult({ questions, singles }: Pair): PairResult['hull'] {
  const spots = hullOf(singles);
  const best = mean(questions.map(({ strong }) => strong));
  const at = (share: number): number | null => hullCost(spots, share * best) ?? null;
  return { spots, dollars_95: at(0.95), dollars_99: at(0.99), dollars_100: at(1), aiq: aiqOf(questions, spots) };
}

const PLOTTED = 60;

function thinned(curve: MoneyPoint[]): MoneyPoint[] {
  const step = Math.max(1, (curve.length - 1) / PLOTTED);
  const places = Array.from({ length: Math.min(PLOTTED, curve.length - 1) + 1 }, (_, index) => Math.round(index * step));
  return [...new Set(places)].flatMap((place) => curve[place] ?? []);
}

const CALIBRATION_BINS = 10;

function calibrationOf({ questions }: Pair, { scores }: Router): RouterResult['calibration'] {
  const answers = questions
    .map(({ weak }, index) => ({ weak, score: probabilityOf(-scores[index]!) }))
    .toSorted((a, b) => a.score - b.score);
  return Array.from({ length: CALIBRATION_BINS }, (_, bin) =>
    answers.slice(
      Math.floor((bin * answers.length) / CALIBRATION_BINS),
      Math.floor(((bin + 1) * answers.length) / CALIBRATION_BINS),
    ),
  )
    .filter((some) => some.length > 0)
    .map((some) => ({
      score: mean(some.map(({ score }) => score)),
      right: mean(some.map(({ weak }) => weak)),
      answers: some.length,
    }));
}
