import { experimentMetrics } from '@upshift/contracts';
import type { EstimateView, MetricName, SeriesPoint } from '@upshift/contracts';

/** Columns of a plot, and its rows. */
const WIDTH = 60;
const HEIGHT = 9;
/** Of each arm: what stands for its value, and what for its interval. */
const signs = ['o', 'x', '+', '*', '#', '@', '%', '&', '=', '~'];
const shades = ['.', ':', ',', ';', "'", '`', '-', '_', '^', '"'];

/** A metric over time, its values and intervals as a sign and a shade per arm; nothing before there are two points. */
export function plotLines(metric: MetricName, series: SeriesPoint[]): string[] {
  const points = series.filter((point) => point.metrics[metric] !== undefined);
  const last = points.at(-1)?.metrics[metric];
  if (last === undefined || points.length < 2) return [];
  const arms = Object.keys(last);
  const [least, most] = rangeOf(metric, points);
  if (most === least) return ['', `${metric}: ${round(most)} in all arms all the time`];
  const legend = arms.map((arm, index) => `${signs[index]} ${arm} ${estimateText(last[arm])}`).join('   ');
  const label = (row: number): string => (row === 0 ? round(most) : row === HEIGHT - 1 ? round(least) : '').padStart(10);
  return [
    '',
    `${metric} (${experimentMetrics[metric].better} is better)   ${legend}`,
    ...gridOf(metric, points, arms, [least, most]).map((row, index) => `${label(index)} |${row.join('').trimEnd()}`),
    `${' '.repeat(12)}${timeAxis(points)}`,
  ];
}

/** `0.9 [0.85, 0.94]`; an end that is not known is `?`. */
export function estimateText(estimate: EstimateView | null | undefined): string {
  if (!estimate || estimate.value === null) return '';
  const { value, low, high } = estimate;
  return `${round(value)} [${low === null ? '?' : round(low)}, ${high === null ? '?' : round(high)}]`;
}

export function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** From all values and the intervals of now: those of the beginning are wide, and would make all else small. */
function rangeOf(metric: MetricName, points: SeriesPoint[]): [least: number, most: number] {
  const values = points.flatMap((point) => Object.values(point.metrics[metric] ?? {}).map(({ value }) => value));
  const ends = Object.values(points.at(-1)?.metrics[metric] ?? {}).flatMap(({ low, high }) => [low, high]);
  const known = [...values, ...ends].filter((value) => value !== null);
  return [Math.min(...known), Math.max(...known)];
}

function gridOf(metric: MetricName, points: SeriesPoint[], arms: string[], [least, most]: [number, number]): string[][] {
  const grid = Array.from({ length: HEIGHT }, () => Array<string>(WIDTH).fill(' '));
  const rowOf = (value: number): number => {
    const part = Math.min(1, Math.max(0, (value - least) / (most - least)));
    return HEIGHT - 1 - Math.round(part * (HEIGHT - 1));
  };
  for (let column = 0; column < WIDTH; column += 1) {
    const at = points[Math.floor((column / WIDTH) * points.length)]!.metrics[metric]!;
    // Arms take turns, so that intervals that overlap are all seen.
    const shaded = at[arms[column % arms.length]!];
    if (shaded)
      for (let row = rowOf(shaded.high ?? Infinity); row <= rowOf(shaded.low ?? -Infinity); row += 1)
        grid[row]![column] = shades[column % arms.length]!;
    arms.forEach((arm, index) => {
      const value = at[arm]?.value ?? null;
      if (value !== null) grid[rowOf(value)]![column] = signs[index]!;
    });
  }
  return grid;
}

function timeAxis(points: SeriesPoint[]): string {
  const [first, last] = [points[0]!, points.at(-1)!].map(({ at }) => `${at.slice(0, 19).replace('T', ' ')} UTC`);
  return `${first}${last!.padStart(WIDTH - first!.length)}`;
}
