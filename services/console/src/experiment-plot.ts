import type { EstimateView, SeriesPoint } from '@upshift/contracts';

import { html } from './html.ts';
import type { Html } from './html.ts';

/** Of the drawing, in its own units; the page scales it. */
const WIDTH = 600;
const HEIGHT = 160;
/** Room above and below the outermost values. */
const MARGIN = 8;

interface Scale {
  x: (at: number) => number;
  y: (value: number) => number;
}

/** A metric of all arms over time: a line per arm, with the interval that holds at all times as a band. */
export function metricPlot(metric: string, series: SeriesPoint[]): Html {
  const points = series.filter((point) => point.metrics[metric] !== undefined);
  const arms = Object.keys(points.at(-1)?.metrics[metric] ?? {});
  if (points.length < 2) return html`<p class="empty">Too little has been measured for a plot of ${metric}.</p>`;
  const scale = scaleOf(metric, points);
  const ofArm = (arm: string): [SeriesPoint, EstimateView][] =>
    points.flatMap((point) => {
      const estimate = point.metrics[metric]?.[arm];
      return estimate ? [[point, estimate] as [SeriesPoint, EstimateView]] : [];
    });
  return html`<figure class="experiment-plot">
    <figcaption>
      ${metric}
      ${arms.map((arm, index) => html`<span class="arm-${index}">■ ${arm} ${estimateText(points.at(-1)?.metrics[metric]?.[arm])}</span> `)}
    </figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${metric} of ${arms.join(', ')} over time">
      ${arms.map((arm, index) => html`<g class="arm-${index}">${band(ofArm(arm), scale)}${line(ofArm(arm), scale)}</g>`)}
    </svg>
  </figure>`;
}

/** `0.9 [0.85, 0.94]`. */
export function estimateText(estimate: EstimateView | null | undefined): string {
  if (!estimate || estimate.value === null) return '–';
  const end = (value: number | null): string => (value === null ? '?' : short(value));
  return `${short(estimate.value)} [${end(estimate.low)}, ${end(estimate.high)}]`;
}

function band(points: [SeriesPoint, EstimateView][], { x, y }: Scale): Html {
  const at = (point: SeriesPoint): number => x(Date.parse(point.at));
  const above = points.map(([point, { high, value }]) => `${at(point)},${y(high ?? value ?? 0)}`);
  const below = points.map(([point, { low, value }]) => `${at(point)},${y(low ?? value ?? 0)}`);
  return html`<polygon class="band" points="${[...above, ...below.toReversed()].join(' ')}" />`;
}

function line(points: [SeriesPoint, EstimateView][], { x, y }: Scale): Html {
  return html`<polyline
    class="line"
    points="${points.map(([{ at }, { value }]) => `${x(Date.parse(at))},${y(value ?? 0)}`).join(' ')}"
  />`;
}

function scaleOf(metric: string, points: SeriesPoint[]): Scale {
  const estimates = points.flatMap((point) => Object.values(point.metrics[metric] ?? {}));
  const values = estimates.flatMap(({ value, low, high }) => [value, low, high].filter((end) => end !== null));
  const times = points.map(({ at }) => Date.parse(at));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [Math.min(...times), Math.max(...times)];
  return {
    x: (at) => tenths(((at - first) / Math.max(1, last - first)) * WIDTH),
    y: (value) => tenths(HEIGHT - MARGIN - ((value - least) / (most - least || 1)) * (HEIGHT - 2 * MARGIN)),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
