import { table } from '../table.ts';
import type { Evaluation, PairResult, RouterResult } from './evaluate.ts';
import type { Figure } from './figures.ts';
import { mean } from './metrics.ts';

const head = ['router', 'APGR', 'CPT 50', 'CPT 80', 'calls 95', 'calls 99', 'calls 100', '$ 95', '$ 99', '$ 100', 'AIQ'];

/** What the tracks are, in the order of the report. They are not to be compared with each other: each sees more than the one before. */
export const tracks: Record<RouterResult['track'], string> = {
  baseline: 'Baselines',
  'shipped defaults': 'Upshift as shipped: the classifier sees the prompt, the scorer also the cheap answer, which is paid for',
  calibrated: 'Upshift calibrated with labels of the same traffic, five folds',
  'extra cheap answers': 'Upshift with further cheap answers to every question, all paid for',
};

/** The evaluation as lines of text. */
export function textOf(evaluation: Evaluation): string[] {
  const { kept, weights } = evaluation;
  return [
    `Weights: ${weights}. In brackets: 95 % of 200 resamples of the questions. Calls and dollars: shares of what the strong model alone takes, for 95, 99 and 100 % of its quality.`,
    ...evaluation.pairs.flatMap(pairLines),
    '',
    `Thresholds set on one half for 95 % of the strong model's quality, with what they then did on the other, ${kept.promises} times:`,
    ...promiseLines(evaluation),
    `  94 % and more was delivered by ${share(kept.quality)}; at most 1.15 of the promised cost by ${share(kept.cost)}.`,
  ];
}

function pairLines(pair: PairResult): string[] {
  const { name, weakModel, strongModel, questions, weakQuality, strongQuality, weakCost, hull } = pair;
  const title = `${name}: ${weakModel} → ${strongModel}`;
  return [
    '',
    title,
    '─'.repeat(title.length),
    `${questions} questions; right: ${share(weakQuality)} and ${share(strongQuality)}; the weak model costs ${share(weakCost)} of the strong one.`,
    `Hull of single models (${hull.spots.length} on it): $ 95 ${share(hull.dollars_95)}, $ 99 ${share(hull.dollars_99)}, $ 100 ${share(hull.dollars_100)}, AIQ ${hull.aiq.toFixed(3)}.`,
    ...Object.entries(tracks).flatMap(([track, meaning]) => {
      const routers = pair.routers.filter((router) => router.track === track);
      return routers.length === 0 ? [] : ['', meaning, ...table(head, routers.map(cellsOf))];
    }),
  ];
}

function cellsOf({ name, figures }: RouterResult): string[] {
  const { apgr, aiq, ...shares } = figures;
  return [name, decimals(apgr), ...Object.values(shares).map(range), decimals(aiq)];
}

export function decimals({ value, low, high }: Figure): string {
  return value === null ? '–' : `${value.toFixed(3)} [${low?.toFixed(3) ?? '–'}–${high?.toFixed(3) ?? '–'}]`;
}

/** A share with its interval, in per cent. */
export function range({ value, low, high }: Figure): string {
  return value === null ? 'never' : `${(100 * value).toFixed(1)} [${boundOf(low)}–${boundOf(high)}]`;
}

function boundOf(bound: number | null): string {
  return bound === null ? 'never' : (100 * bound).toFixed(0);
}

export function share(value: number | null): string {
  return value === null ? 'never' : `${(100 * value).toFixed(1)} %`;
}

function promiseLines(evaluation: Evaluation): string[] {
  return table(['thresholds', 'halvings', 'quality', 'worst', 'cost promised', 'delivered'], promiseRows(evaluation));
}

/** A row per pair and router: the means over all halvings. */
export function promiseRows({ promises }: Evaluation): (string | number)[][] {
  const groups = Map.groupBy(promises, ({ pair, router }) => `${pair}, ${router}`);
  return [...groups].map(([name, all]) => [
    name,
    all.length,
    share(mean(all.map(({ delivered }) => delivered.quality))),
    share(Math.min(...all.map(({ delivered }) => delivered.quality))),
    share(mean(all.map(({ promised }) => promised.cost))),
    share(mean(all.map(({ delivered }) => delivered.cost))),
  ]);
}
