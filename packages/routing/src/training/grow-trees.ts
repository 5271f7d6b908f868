import { binsOf, leafOf } from '../trees.ts';
import type { BoostedTrees, Tree } from '../trees.ts';

/** How many trees of which depth, how far each goes, what a leaf must weigh at least, and how strongly it is drawn to nothing. */
export interface TreeSettings {
  count: number;
  depth: number;
  step: number;
  leastCurve: number;
  shrink: number;
}

const BINS = 24;

/** Boosted trees from inputs and labels in [0, 1]: the same ones in the same order give the same trees. */
export function fitTrees(inputs: number[][], labels: readonly number[], settings: TreeSettings): BoostedTrees {
  const cuts = (inputs[0] ?? []).map((_, index) => cutsOf(inputs.map((row) => row[index]!)));
  const base = baseOf(labels);
  const bins = inputs.map((row) => binsOf(row, cuts));
  return { cuts, base, trees: growTrees(bins, labels, base, settings) };
}

/** The log-odds of all labels together. */
function baseOf(labels: readonly number[]): number {
  const share = (labels.reduce((sum, label) => sum + label, 0) + 1) / (labels.length + 2);
  return rounded(Math.log(share / (1 - share)));
}

/** Upper bounds of bins of about equally many rows each. */
function cutsOf(values: number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b);
  const cuts = Array.from({ length: BINS - 1 }, (_, cut) => rounded(sorted[Math.floor(((cut + 1) * sorted.length) / BINS)] ?? 0));
  return [...new Set(cuts)];
}

interface Loss {
  settings: TreeSettings;
  /** By row and input. */
  bins: number[][];
  slopes: Float64Array;
  curves: Float64Array;
}

/** Gradient boosting of small trees over binned features, by the second order of the logistic loss, from these log-odds on. */
function growTrees(bins: number[][], labels: readonly number[], base: number, settings: TreeSettings): Tree[] {
  const all = bins.map((_, index) => index);
  const sums = new Float64Array(bins.length).fill(base);
  const loss = { settings, bins, slopes: new Float64Array(bins.length), curves: new Float64Array(bins.length) };
  return Array.from({ length: settings.count }, () => {
    for (const row of all) {
      const chance = 1 / (1 + Math.exp(-sums[row]!));
      loss.slopes[row] = chance - labels[row]!;
      loss.curves[row] = chance * (1 - chance);
    }
    const tree = grow(all, settings.depth, loss);
    for (const row of all) sums[row]! += leafOf(tree, bins[row]!);
    return tree;
  });
}

function grow(rows: number[], depth: number, loss: Loss): Tree {
  const slope = rows.reduce((sum, row) => sum + loss.slopes[row]!, 0);
  const curve = rows.reduce((sum, row) => sum + loss.curves[row]!, 0);
  const split = depth === 0 ? null : bestSplit(rows, loss, slope, curve);
  if (split === null) return rounded((-loss.settings.step * slope) / (curve + loss.settings.shrink));
  const isLeft = (row: number): boolean => loss.bins[row]![split.feature]! <= split.atMost;
  const [left, right] = [rows.filter(isLeft), rows.filter((row) => !isLeft(row))];
  return [split.feature, split.atMost, grow(left, depth - 1, loss), grow(right, depth - 1, loss)];
}

function bestSplit(rows: number[], loss: Loss, slope: number, curve: number): { feature: number; atMost: number } | null {
  let best: { feature: number; atMost: number } | null = null;
  let most = 1e-6;
  const { slopes, curves } = sumsByBin(rows, loss);
  const { leastCurve, shrink } = loss.settings;
  for (let feature = 0; feature < slopes.length / BINS; feature += 1) {
    let [left, weight] = [0, 0];
    for (let bin = 0; bin < BINS - 1; bin += 1) {
      left += slopes[feature * BINS + bin]!;
      weight += curves[feature * BINS + bin]!;
      if (weight < leastCurve || curve - weight < leastCurve) continue;
      const gain = worth(left, weight, shrink) + worth(slope - left, curve - weight, shrink) - worth(slope, curve, shrink);
      if (gain > most) [most, best] = [gain, { feature, atMost: bin }];
    }
  }
  return best;
}

/** What a leaf of these sums lowers the loss by, doubled. */
function worth(slope: number, curve: number, shrink: number): number {
  return (slope * slope) / (curve + shrink);
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
