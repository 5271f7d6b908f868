/** The plots of the overview, drawn by uPlot in the colours of the page's own style sheet. */

import UPlot from './uplot.js';

const REFRESH_MS = 15_000;
const HEIGHT = 210;
/** Beside colour, lines differ by their dashes and bars by their pattern. */
const DASHES = [[], [8, 4], [2, 3]];
const BORDERS = ['solid', 'dashed', 'dotted'];
const PATTERNS = ['solid', 'stripes', 'dots', 'grid'];
/** Those of the style sheet that tell tiers apart. */
const COLOURS = 4;

const root = document.querySelector('[data-plots]');
const scheme = matchMedia('(prefers-color-scheme: dark)');
const charts = new Map();
let latest = null;

/** Draws now, every so often while the page is seen, and anew when colours or widths change. */
export function startCharts() {
  void load();
  setInterval(() => !document.hidden && void load(), REFRESH_MS);
  scheme.addEventListener('change', () => redraw());
  new ResizeObserver(() => resize()).observe(root);
}

async function load() {
  try {
    // Beside the address that the browser shows: one that was typed with the login in it can not be asked for anything.
    const address = new URL(root.dataset.plots, location.href);
    const response = await fetch(address, { signal: AbortSignal.timeout(REFRESH_MS) });
    if (!response.ok) return;
    const plots = await response.json();
    if (JSON.stringify(plots) === JSON.stringify(latest)) return;
    latest = plots;
    redraw();
  } catch {
    // The refresh of the page says so.
  }
}

function redraw() {
  if (latest === null) return;
  const bucket = latest.bucket === 1 ? 'minute' : `${latest.bucket} minutes`;
  for (const place of root.querySelectorAll('[data-bucket]')) place.textContent = bucket;
  draw('plot-throughput', throughput(latest));
  draw('plot-cost', cost(latest));
  draw('plot-tiers', tiers(latest));
}

function draw(id, { series, data, format }) {
  const place = document.getElementById(id);
  charts.get(id)?.destroy();
  place.replaceChildren();
  if (data.slice(1).every((values) => values.every((value) => value === 0))) {
    charts.delete(id);
    place.textContent = 'Nothing in this time.';
    return;
  }
  const options = {
    width: place.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      // Room for the last bar, which begins at the last time.
      x: { range: (_chart, first, last) => [first, last + latest.bucket * 60] },
      y: { range: (_chart, _least, most) => [0, most > 0 ? most * 1.08 : 1] },
    },
    axes: [
      axis({ space: 56, values: (_chart, times) => times.map(clock) }),
      axis({ size: 62, values: (_chart, values) => values.map(format) }),
    ],
    series: [{ label: 'UTC', value: (_chart, at) => (at === null ? '–' : clock(at)) }, ...series],
    legend: {
      markers: {
        width: 2,
        dash: (_chart, index) => options.series[index].mark.border,
        fill: (_chart, index) => options.series[index].mark.filling,
      },
    },
  };
  charts.set(id, new UPlot(options, data, place));
}

function resize() {
  for (const [id, chart] of charts) {
    const width = document.getElementById(id).clientWidth;
    if (width !== chart.width) chart.setSize({ width, height: HEIGHT });
  }
}

function throughput({ at, throughput: { accepted, completed, failed } }) {
  return {
    data: [at, accepted, completed, failed],
    series: [
      line('accepted', '--plot-1', 0, perMinute),
      line('completed', '--plot-2', 1, perMinute),
      line('failed or expired', '--plot-bad', 2, perMinute),
    ],
    format: perMinute,
  };
}

/** What was paid stands before what it would have cost: what is seen of the latter was saved. */
function cost({ at, cost: { actual, alone } }) {
  return {
    data: [at, alone, actual],
    series: [
      bar('all on the top model', '--plot-4', 'stripes', (bucket) => usd(alone[bucket])),
      bar('paid', '--plot-1', 'solid', (bucket) => usd(actual[bucket])),
    ],
    format: usd,
  };
}

/** Stacked: each series is drawn up to the sum of those below it, the highest first. Where the colours begin anew, their patterns are others. */
function tiers({ at, tiers: answered }) {
  const sums = answered.map((_, index) =>
    at.map((_at, bucket) => answered.slice(0, index + 1).reduce((sum, tier) => sum + tier.answered[bucket], 0)),
  );
  const series = answered.map(({ name, answered: counts }, index) =>
    bar(name, `--plot-${(index % COLOURS) + 1}`, PATTERNS[(index + Math.floor(index / COLOURS)) % PATTERNS.length], (bucket) =>
      String(counts[bucket]),
    ),
  );
  return { data: [at, ...sums.toReversed()], series: series.toReversed(), format: (value) => compact.format(value) };
}

function line(label, variable, dash, format) {
  return {
    label,
    stroke: colour(variable),
    width: 2,
    dash: DASHES[dash],
    mark: { border: BORDERS[dash], filling: 'none' },
    points: { show: false },
    value: (_chart, value) => (value === null ? '–' : format(value)),
  };
}

function bar(label, variable, pattern, valueOf) {
  return {
    label,
    mark: { border: 'solid', filling: swatches[pattern](colour(variable)) },
    stroke: colour(variable),
    fill: (chart) => patternOf(chart.ctx, pattern, colour(variable)),
    width: 1,
    paths: UPlot.paths.bars({ size: [0.8, 40], align: 1 }),
    points: { show: false },
    value: (_chart, _value, _series, bucket) => (bucket === null ? '–' : valueOf(bucket)),
  };
}

function axis(changes) {
  const grid = { stroke: colour('--border'), width: 1 };
  return { stroke: colour('--muted'), font: '12px system-ui, sans-serif', grid, ticks: grid, ...changes };
}

/** Bars filled with a pattern are told apart without their colour. */
function patternOf(context, kind, fill) {
  const tile = new OffscreenCanvas(8, 8);
  const pen = tile.getContext('2d');
  pen.fillStyle = fill;
  pen.strokeStyle = fill;
  pen.lineWidth = 2;
  // Nothing of what is drawn behind shines through.
  pen.fillStyle = colour('--card');
  pen.fillRect(0, 0, 8, 8);
  pen.fillStyle = fill;
  pen.globalAlpha = 0.3;
  pen.fillRect(0, 0, 8, 8);
  pen.globalAlpha = 1;
  drawTile[kind](pen);
  return context.createPattern(tile, 'repeat');
}

const drawTile = {
  solid: (pen) => pen.fillRect(0, 0, 8, 8),
  stripes: (pen) => strokes(pen, [-2, 2, 2, -2], [-2, 10, 10, -2], [6, 10, 10, 6]),
  dots: (pen) => pen.fillRect(2, 2, 3, 3),
  grid: (pen) => strokes(pen, [0, 4, 8, 4], [4, 0, 4, 8]),
};

/** The patterns as backgrounds of the legend's marks. */
const swatches = {
  solid: (fill) => fill,
  stripes: (fill) => `repeating-linear-gradient(135deg, ${fill} 0 2px, transparent 2px 5px)`,
  dots: (fill) => `radial-gradient(circle, ${fill} 40%, transparent 45%) 0 0 / 5px 5px`,
  grid: (fill) =>
    `linear-gradient(${fill} 2px, transparent 2px) 0 0 / 5px 5px, linear-gradient(90deg, ${fill} 2px, transparent 2px) 0 0 / 5px 5px`,
};

function strokes(pen, ...lines) {
  for (const [fromX, fromY, toX, toY] of lines) {
    pen.beginPath();
    pen.moveTo(fromX, fromY);
    pen.lineTo(toX, toY);
    pen.stroke();
  }
}

function colour(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}

function clock(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 16);
}

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });

function perMinute(value) {
  return compact.format(value);
}

/** Three digits, as the steps of an axis have: 12.5 is not 13. */
const dollars = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD', maximumSignificantDigits: 3 });

function usd(value) {
  return dollars.format(value);
}
