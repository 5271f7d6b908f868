import type { EstimateView, SeriesPoint } from '@upshift/contracts';

import { moment } from './format.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';

/** Of the drawing, in its own units; the page stretches it. */
const WIDTH = 600;
const HEIGHT = 160;
/** Room above and below the outermost values. */
const MARGIN = 4;

interface Scale {
  least: number;
  most: number;
  x: (at: number) => number;
  y: (value: number) => number;
}

type ArmPoint = [point: SeriesPoint, estimate: EstimateView];

/**
 * A metric of all arms over time: a line per arm, with the interval that holds at all times as a band.
 *
 * @param names of all arms: each has the colour of its place, in the plots of all metrics
 */
export function metricPlot(metric: string, series: SeriesPoint[], names: string[]): Html {
  const points = series.filter((point) => point.metrics[metric] !== undefined);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first === last) return html`<p class="empty">Too little has been measured for a plot of ${metric}.</p>`;
  const arms = names.flatMap((name, place) => (last.metrics[metric]?.[name] ? [{ name, place }] : []));
  const scale = scaleOf(metric, points);
  const ofArm = (arm: string): ArmPoint[] =>
    points.flatMap((point) => (point.metrics[metric]?.[arm] ? [[point, point.metrics[metric][arm]] as ArmPoint] : []));
  return html`<figure class="experiment-plot">
    <figcaption>
      <strong>${metric}</strong>
      ${arms.map(({ name, place }) => html`<span class="arm-${place}">■ ${name} ${estimateText(last.metrics[metric]?.[name])}</span> `)}
    </figcaption>
    <div class="range"><span>${short(scale.most)}</span><span>${short(scale.least)}</span></div>
    <svg
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${metric} of ${arms.map(({ name }) => name).join(', ')} over time"
    >
      ${arms.map(({ name, place }) => html`<g class="arm-${place}">${band(ofArm(name), scale)}${line(ofArm(name), scale)}</g>`)}
    </svg>
    <div class="times"><span>${moment(Date.parse(first.at))}</span><span>${moment(Date.parse(last.at))}</span></div>
  </figure>`;
}

/** `0.9 [0.85, 0.94]`; an end that is not known is `?`. */
export function estimateText(estimate: EstimateView | null | undefined): string {
  if (!estimate || estimate.value === null) return '–';
  const end = (value: number | null): string => (value === null ? '?' : short(value));
  return `${short(estimate.value)} [${end(estimate.low)}, ${end(estimate.high)}]`;
}

/** Three significant digits. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** An end that is not known lies beyond the drawing. */
function band(points: ArmPoint[], { x, y }: Scale): Html {
  const at = (point: SeriesPoint): number => x(Date.parse(point.at));
  const above = points.map(([point, { high }]) => `${at(point)},${y(high ?? Infinity)}`);
  const below = points.map(([point, { low }]) => `${at(point)},${y(low ?? -Infinity)}`);
  return html`<polygon class="band" points="${[...above, ...below.toReversed()].join(' ')}" />`;
}

function line(points: ArmPoint[], { x, y }: Scale): Html {
  const seen = points.filter(([, { value }]) => value !== null);
  return html`<polyline
    class="mean"
    points="${seen.map(([{ at }, { value }]) => `${x(Date.parse(at))},${y(value!)}`).join(' ')}"
  />`;
}

/** From all values and the intervals of now: those of the beginning are wide, and would make all else small. */
function scaleOf(metric: string, points: SeriesPoint[]): Scale {
  const values = points.flatMap((point) => Object.values(point.metrics[metric] ?? {}).map(({ value }) => value));
  const ends = Object.values(points.at(-1)?.metrics[metric] ?? {}).flatMap(({ low, high }) => [low, high]);
  const known = [...values, ...ends].filter((value) => value !== null);
  const times = points.map(({ at }) => Date.parse(at));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const partOf = (value: number): number => Math.min(1, Math.max(0, (value - least) / (most - least || 1)));
  return {
    least,
    most,
    x: (at) => tenths(((at - first) / Math.max(1, last - first)) * WIDTH),
    y: (value) => tenths(HEIGHT - MARGIN - partOf(value) * (HEIGHT - 2 * MARGIN)),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
