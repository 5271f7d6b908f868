/** A line, or with `dots` single points, of a plot. Its colour is the class `c-<tone>` of the page. */
export interface Series {
  name: string;
  tone: string;
  points: { x: number; y: number }[];
  dots?: boolean;
  dashed?: boolean;
}

/** A bar with the interval that its value lies in; null where the value does not exist. */
export interface Bar {
  name: string;
  tone: string;
  value: number | null;
  low: number | null;
  high: number | null;
}

interface Axis {
  from: number;
  to: number;
  title: string;
}

/** In units of the view box; the page scales it. */
const [WIDTH, HEIGHT] = [460, 300];
const MARGIN = { left: 60, right: 24, top: 10, bottom: 40 };
const TICKS = 5;

/** Lines over two axes of shares, as an SVG of its own with a legend below. */
export function linePlot(title: string, x: Axis, y: Axis, series: Series[]): string {
  const across = (value: number): number =>
    MARGIN.left + (clamped(value, x) - x.from) * scaleOf(WIDTH - MARGIN.left - MARGIN.right, x);
  const down = (value: number): number =>
    HEIGHT - MARGIN.bottom - (clamped(value, y) - y.from) * scaleOf(HEIGHT - MARGIN.top - MARGIN.bottom, y);
  const grid = ticksOf(y).map(
    (tick) =>
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(down(tick))}" y2="${px(down(tick))}"/>` +
      `<text class="tick" x="${MARGIN.left - 6}" y="${px(down(tick) + 4)}" text-anchor="end">${percent(tick)}</text>`,
  );
  const columns = ticksOf(x).map(
    (tick) =>
      `<text class="tick" x="${px(across(tick))}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${percent(tick)}</text>`,
  );
  const titles =
    `<text class="axis" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escaped(x.title)}</text>` +
    `<text class="axis" transform="translate(12 ${(HEIGHT - MARGIN.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.title)}</text>`;
  const drawn = series.map(({ name, tone, points, dots, dashed }) => {
    const spots = points.map((point) => ({ x: px(across(point.x)), y: px(down(point.y)) }));
    if (dots === true)
      return spots
        .map((spot) => `<circle class="c-${tone}" cx="${spot.x}" cy="${spot.y}" r="4"><title>${escaped(name)}</title></circle>`)
        .join('');
    const line = spots.map((spot) => `${spot.x},${spot.y}`).join(' ');
    return `<polyline class="c-${tone}${dashed === true ? ' dashed' : ''}" points="${line}"><title>${escaped(name)}</title></polyline>`;
  });
  return figure(
    title,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(title)}">${[...grid, ...columns, titles, ...drawn].join('')}</svg>`,
    series,
  );
}

const BAR = { height: 18, gap: 8, name: 190 };

/** Bars from 0 to 100 % and a little beyond, each with its interval. */
export function barPlot(title: string, bars: Bar[]): string {
  const x = { from: 0, to: 1.1, title: '' };
  const width = WIDTH - BAR.name - 54;
  const across = (value: number): number => BAR.name + clamped(value, x) * scaleOf(width, x);
  const height = bars.length * (BAR.height + BAR.gap) + 8;
  const whole = `<line class="whole" x1="${px(across(1))}" x2="${px(across(1))}" y1="0" y2="${height}"/>`;
  const drawn = bars.map(({ name, tone, value, low, high }, index) => {
    const top = 4 + index * (BAR.height + BAR.gap);
    const middle = top + BAR.height / 2;
    const label = `<text class="tick" x="${BAR.name - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`;
    if (value === null) return `${label}<text class="tick" x="${BAR.name + 4}" y="${middle + 4}">never</text>`;
    const interval =
      low === null
        ? ''
        : `<line class="whisker" x1="${px(across(low))}" x2="${px(across(high ?? x.to))}" y1="${middle}" y2="${middle}"/>`;
    return (
      `${label}<rect class="c-${tone}" x="${BAR.name}" y="${top}" width="${px(across(value) - BAR.name)}" height="${BAR.height}" rx="2"/>${interval}` +
      `<text class="value" x="${WIDTH - 2}" y="${middle + 4}" text-anchor="end">${percent(value)}</text>`
    );
  });
  return figure(
    title,
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">${whole}${drawn.join('')}</svg>`,
    [],
  );
}

function figure(title: string, svg: string, series: Series[]): string {
  const legend = series.map(
    ({ name, tone, dashed }) => `<li><i class="c-${tone}${dashed === true ? ' dashed' : ''}"></i>${escaped(name)}</li>`,
  );
  return `<figure><figcaption>${escaped(title)}</figcaption>${svg}${legend.length === 0 ? '' : `<ul class="legend">${legend.join('')}</ul>`}</figure>`;
}

function scaleOf(length: number, { from, to }: Axis): number {
  return length / (to - from);
}

function clamped(value: number, { from, to }: Axis): number {
  return Math.min(to, Math.max(from, value));
}

/** Round values along an axis. */
function ticksOf({ from, to }: Axis): number[] {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
  const step = steps.find((size) => (to - from) / size <= TICKS + 1) ?? 0.5;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

function percent(value: number): string {
  return `${Math.round(100 * value)} %`;
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
