import { draw } from '@upshift/routing';

import { apgrOf, cptOf, mean, quantile } from './metrics.ts';
import { aiqOf, moneyCurve, reaching } from './money.ts';
import type { Router } from './money.ts';
import type { PairQuestion } from './pairs.ts';

/** The figures of a router on a pair; null where it never gets there. */
const figureNames = [
  'apgr',
  'cpt_50',
  'cpt_80',
  'calls_95',
  'calls_99',
  'calls_100',
  'dollars_95',
  'dollars_99',
  'dollars_100',
  'aiq',
] as const;
export type FigureName = (typeof figureNames)[number];

/** A figure with its 95 % interval by resampling the questions; null where it is not reached. */
export interface Figure {
  value: number | null;
  low: number | null;
  high: number | null;
}
export type Figures = Record<FigureName, Figure>;

const RESAMPLES = 200;

/** Metrics as RouteLLM defines them, and what it takes in calls and dollars to reach a share of the strong model. */
function plainFigures(questions: PairQuestion[], router: Router): Record<FigureName, number | null> {
  const routed = questions.map(({ weak, strong }, index) => ({ weak, strong, score: router.scores[index]! }));
  const curve = moneyCurve(questions, router);
  const best = mean(questions.map(({ strong }) => strong));
  const at = (share: number) => reaching(curve, share * best);
  return {
    apgr: apgrOf(routed),
    cpt_50: cptOf(routed, 0.5),
    cpt_80: cptOf(routed, 0.8),
    calls_95: at(0.95)?.strongShare ?? null,
    calls_99: at(0.99)?.strongShare ?? null,
    calls_100: at(1)?.strongShare ?? null,
    dollars_95: at(0.95)?.cost ?? null,
    dollars_99: at(0.99)?.cost ?? null,
    dollars_100: at(1)?.cost ?? null,
    aiq: aiqOf(questions, curve),
  };
}

/** The figures with their intervals; the same questions give the same ones. */
export function figuresOf(questions: PairQuestion[], router: Router): Figures {
  const whole = plainFigures(questions, router);
  // In the order of the scores, so that the resampled ones are sorted already.
  const order = questions.map((_, index) => index).toSorted((a, b) => router.scores[a]! - router.scores[b]!);
  const drawn = Array.from({ length: RESAMPLES }, (_, round) => {
    const places = Uint32Array.from(order, (_at, index) =>
      Math.floor(draw((round + 0.5) / RESAMPLES, index) * order.length),
    ).toSorted();
    const chosen = Array.from(places, (place) => order[place]!);
    return plainFigures(
      chosen.map((index) => questions[index]!),
      { ...router, scores: chosen.map((index) => router.scores[index]!) },
    );
  });
  return Object.fromEntries(
    figureNames.map((name) => [name, { value: whole[name], ...intervalOf(drawn.map((figures) => figures[name])) }]),
  ) as Figures;
}

/** A bound is null where so many resamples do not get there. */
function intervalOf(values: (number | null)[]): { low: number | null; high: number | null } {
  const sorted = values.map((value) => value ?? Infinity).toSorted((a, b) => a - b);
  const bound = (share: number): number | null => {
    const value = quantile(sorted, share);
    return Number.isFinite(value) ? value : null;
  };
  return { low: bound(0.025), high: bound(0.975) };
}
