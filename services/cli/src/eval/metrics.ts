/** A question of a pair as the metrics see it: what each model's answer is worth, and what the router says of the prompt. */
export interface Routed {
  weak: number;
  strong: number;
  /** Higher: rather the strong model. */
  score: number;
}

/** A point of a router's curve: the share of calls that go to the strong model, and the share of right answers. */
export interface Point {
  strongShare: number;
  accuracy: number;
}

/** Ten bins, so eleven thresholds, as in RouteLLM's evaluation. */
const BINS = 10;

/** RouteLLM's curve: at each of eleven quantiles of the scores, the prompts at or above it go to the strong model; at the last, those above. */
export function curveOf(routed: readonly Routed[]): Point[] {
  const scores = routed.map(({ score }) => score).toSorted((a, b) => a - b);
  const thresholds = Array.from({ length: BINS + 1 }, (_, bin) => quantile(scores, bin / BINS));
  return thresholds
    .map((threshold, index) => pointAt(routed, (score) => (index < BINS ? score >= threshold : score > threshold)))
    .toSorted((a, b) => a.strongShare - b.strongShare);
}

function pointAt(routed: readonly Routed[], isStrong: (score: number) => boolean): Point {
  let strongCalls = 0;
  let right = 0;
  for (const { weak, strong, score } of routed) {
    const chosen = isStrong(score);
    if (chosen) strongCalls += 1;
    right += chosen ? strong : weak;
  }
  return { strongShare: strongCalls / routed.length, accuracy: right / routed.length };
}

/** Average performance gap recovered: 0 is the weak model alone, 1 the strong model alone, 0.5 a coin. */
export function apgrOf(routed: readonly Routed[]): number {
  const curve = curveOf(routed);
  const weak = mean(routed.map((question) => question.weak));
  const strong = mean(routed.map((question) => question.strong));
  // The curve goes from no call of the strong model to all.
  return (areaUnder(curve) - weak) / (strong - weak);
}

/** Call-performance threshold: the share of strong calls that recovers this share of the gap between the models. */
export function cptOf(routed: readonly Routed[], shareOfGap: number): number {
  const curve = curveOf(routed);
  const weak = mean(routed.map((question) => question.weak));
  const strong = mean(routed.map((question) => question.strong));
  return interpolate(
    weak + shareOfGap * (strong - weak),
    curve.map(({ accuracy }) => accuracy),
    curve.map(({ strongShare }) => strongShare),
  );
}

function areaUnder(curve: readonly Point[]): number {
  let area = 0;
  for (const [index, right] of curve.entries()) {
    const left = curve[index - 1];
    if (left) area += ((right.strongShare - left.strongShare) * (right.accuracy + left.accuracy)) / 2;
  }
  return area;
}

/** The value below which this share of sorted values lies, between neighbours linear, as numpy and pandas have it. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

/** `np.interp`: it searches by halves, which is what it means on a curve that does not rise everywhere. */
export function interpolate(x: number, xs: readonly number[], ys: readonly number[]): number {
  const last = xs.length - 1;
  if (x > (xs[last] ?? Number.NaN)) return ys[last] ?? Number.NaN;
  if (x < (xs[0] ?? Number.NaN)) return ys[0] ?? Number.NaN;
  const left = lastAtMost(x, xs);
  const [x0 = 0, x1, y0 = 0, y1] = [xs[left], xs[left + 1], ys[left], ys[left + 1]];
  if (x1 === undefined || y1 === undefined || x0 === x) return y0;
  return y0 + ((y1 - y0) / (x1 - x0)) * (x - x0);
}

/** numpy's first guess is index 1: it tries the neighbours of that, then halves what is left, nine ahead at first. */
function lastAtMost(x: number, xs: readonly number[]): number {
  const at = (index: number): number => xs[index] ?? Number.NaN;
  let [low, high] = [1, xs.length];
  while (low < Math.min(4, xs.length) && x >= at(low)) low += 1;
  if (low < 4) return low - 1;
  if (xs.length > 10 && x < at(9)) high = 9;
  low = xs.length > 4 ? 3 : low;
  while (low < high) {
    const middle = low + ((high - low) >> 1);
    if (x >= at(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The mean of at least one value. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
