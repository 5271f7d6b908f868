import { expect, test } from 'vitest';

import { experimentPage } from '../../services/console/src/experiment-pages.ts';
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

test('what an operator wrote is text, never markup', () => {
  expect(page({ reason: '<script>alert(1)</script>' })).not.toContain('<script>alert');
});
