import type { ExperimentView } from '@upshift/contracts';
import { expect, test } from 'vitest';

import { experimentPage, experimentsPage } from '../../services/console/src/experiment-pages.ts';
import { metricPlot } from '../../services/console/src/experiment-plot.ts';
import type { Html } from '../../services/console/src/html.ts';
import { exampleView } from '../routing/experiment-view.ts';

const page = (changes: Parameters<typeof exampleView>[0] = {}): string =>
  experimentPage(exampleView(changes)).text.replaceAll(/\s+/g, ' ');

test('the page of an experiment has every figure of every arm, and the costs that are not known', () => {
  for (const title of ['Accepted', 'Met a fallback', 'error_rate', 'Latency p50, ms', 'Latency p95, ms', 'Cost per accepted'])
    expect(page()).toContain(`<th scope="row">${title}</th>`);
  expect(page()).toContain('$0.5 and 4 jobs unknown');
  expect(page()).toContain('canary on route default, running: step 1 of 4 (1 %) begins.');
});

test('a plot has a line and a band per arm, inside its frame, and says its range and times', () => {
  const plot = /<figure class="experiment-plot">.*<\/figure>/.exec(page())![0];
  expect(plot.match(/class="mean"/g)).toHaveLength(2);
  expect(plot).toContain('<span>1</span><span>0.5</span>');
  expect(plot).toContain('2026-11-24 12:00:09');
  const points = [...plot.matchAll(/points="([^"]*)"/g)].flatMap(([, list]) =>
    list!.split(' ').map((pair) => pair.split(',').map(Number)),
  );
  expect(points).toHaveLength(2 * (6 + 3));
  for (const [x, y] of points) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(600);
    expect(y).toBeGreaterThanOrEqual(0);
    expect(y).toBeLessThanOrEqual(160);
  }
});

/** The points of the shapes of a plot, in the order in which they are drawn. */
const shapesOf = (plot: Html): string[] => [...plot.text.matchAll(/points="([^"]*)"/g)].map(([, points]) => points!);

test('a plot is drawn to the scale of its times, its values and the intervals of now', () => {
  expect(shapesOf(metricPlot('pass_rate', exampleView().series, ['stable', 'canary']))).toEqual([
    '0,4 333.3,4 600,19.2 600,49.6 333.3,64.8 0,156',
    '0,4 333.3,34.4 600,34.4',
    '0,4 333.3,34.4 600,95.2 600,156 333.3,156 0,156',
    '0,156 333.3,125.6 600,125.6',
  ]);
});

test('where an end is not known the band goes to the edge, and what never changes is a line', () => {
  const series = exampleView().series.map(({ at }) => ({
    at,
    metrics: { score: { only: { value: 0.5, low: null, high: null, jobs: 1 } } },
  }));
  const plot = metricPlot('score', series, ['only']);
  expect(shapesOf(plot)).toEqual(['0,4 333.3,4 600,4 600,156 333.3,156 0,156', '0,156 333.3,156 600,156']);
  expect(plot.text).toContain('■ only 0.5 [?, ?]');
});

test('one point is no plot, and points without the metric are none', () => {
  const [first, second] = exampleView().series;
  for (const series of [[], [first!], [{ ...first!, metrics: {} }, second!]])
    expect(metricPlot('pass_rate', series, ['stable', 'canary']).text).toContain(
      'Too little has been measured for a plot of pass_rate.',
    );
});

test('what an operator wrote is text, never markup', () => {
  expect(page({ reason: '<script>alert(1)</script>' })).not.toContain('<script>alert');
});

test('an arm has its colour in each plot, also where another one has no value of the metric', () => {
  const series = exampleView().series.map(({ at, metrics }) => ({
    at,
    metrics: { ...metrics, score: { canary: metrics['pass_rate']!['canary']! } },
  }));
  const document = { ...exampleView().document, metrics: ['pass_rate', 'score'] } as ExperimentView['document'];
  const coloursOfCanary = [...page({ series, document }).matchAll(/class="arm-(\d)">■ canary/g)].map(([, index]) => index);
  expect(coloursOfCanary).toEqual(['1', '1']);
});

test('the pages of experiments have a heading above those of their parts, as all pages have', () => {
  expect(page()).toContain('<h1 class="sr">Experiment new-model</h1>');
  expect(experimentsPage([]).text).toContain('<h1 class="sr">Experiments</h1>');
});
