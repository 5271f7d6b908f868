import { leafOf } from '../scorer/model.ts';
import type { Tree } from '../scorer/model.ts';

/** Chosen by cross-validation over questions; the figures in docs/routing-quality.md are those of these values. */
const SETTINGS = { count: 120, depth: 3, step: 0.08, leastCurve: 4, shrink: 5 };
export const BINS = 24;

interface Loss {
  /** By row and feature. */
  bins: number[][];
  slopes: Float64Array;
  curves: Float64Array;
}

/** Gradient boosting of small trees over binned features, by the second order of the logistic loss, from these log-odds on. */
export function growTrees(bins: number[][], labels: readonly number[], base: number): Tree[] {
  const all = bins.map((_, index) => index);
  const sums = new Float64Array(bins.length).fill(base);
  const loss = { bins, slopes: new Float64Array(bins.length), curves: new Float64Array(bins.length) };
  return Array.from({ length: SETTINGS.count }, () => {
    for (const row of all) {
      const chance = 1 / (1 + Math.exp(-sums[row]!));
      loss.slopes[row] = chance - labels[row]!;
      loss.curves[row] = chance * (1 - chance);
    }
    const tree = grow(all, SETTINGS.depth, loss);
    for (const row of all) sums[row]! += leafOf(tree, bins[row]!);
    return tree;
  });
}

function grow(rows: number[], depth: number, loss: Loss): Tree {
  const slope = rows.reduce((sum, row) => sum + loss.slopes[row]!, 0);
  const curve = rows.reduce((sum, row) => sum + loss.curves[row]!, 0);
  const split = depth === 0 ? null : bestSplit(rows, loss, slope, curve);
  if (split === null) return rounded((-SETTINGS.step * slope) / (curve + SETTINGS.shrink));
  const isLeft = (row: number): boolean => loss.bins[row]![split.feature]! <= split.atMost;
  const [left, right] = [rows.filter(isLeft), rows.filter((row) => !isLeft(row))];
  return [split.feature, split.atMost, grow(left, depth - 1, loss), grow(right, depth - 1, loss)];
}

function bestSplit(rows: number[], loss: Loss, slope: number, curve: number): { feature: number; atMost: number } | null {
  let best: { feature: number; atMost: number } | null = null;
  let most = 1e-6;
  const { slopes, curves } = sumsByBin(rows, loss);
  for (let feature = 0; feature < slopes.length / BINS; feature += 1) {
    let [left, weight] = [0, 0];
    for (let bin = 0; bin < BINS - 1; bin += 1) {
      left += slopes[feature * BINS + bin]!;
      weight += curves[feature * BINS + bin]!;
      if (weight < SETTINGS.leastCurve || curve - weight < SETTINGS.leastCurve) continue;
      const gain = worth(left, weight) + worth(slope - left, curve - weight) - worth(slope, curve);
      if (gain > most) [most, best] = [gain, { feature, atMost: bin }];
    }
  }
  return best;
}

/** What a leaf of these sums lowers the loss by, doubled. */
function worth(slope: number, curve: number): number {
  return (slope * slope) / (curve + SETTINGS.shrink);
}

function sumsByBin(rows: number[], loss: Loss): { slopes: Float64Array; curves: Float64Array } {
  const width = loss.bins[0]?.length ?? 0;
  const slopes = new Float64Array(width * BINS);
  const curves = new Float64Array(width * BINS);
  for (const row of rows) {
    const bins = loss.bins[row]!;
    const [slope, curve] = [loss.slopes[row]!, loss.curves[row]!];
    for (let feature = 0; feature < width; feature += 1) {
      slopes[feature * BINS + bins[feature]!]! += slope;
      curves[feature * BINS + bins[feature]!]! += curve;
    }
  }
  return { slopes, curves };
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
