import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { DELIVER_QUEUE } from '@upshift/queues';
import { metricTable } from '@upshift/runtime';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { faultsOf, partsOf } from './queries.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Panel {
  id: number;
  type: string;
  title: string;
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string }[];
}
interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

const dashboard = JSON.parse(read('deploy/grafana/upshift.json')) as {
  panels: Panel[];
  templating: { list: { name: string }[] };
};
const graphs = dashboard.panels.filter(({ type }) => type !== 'row');
const rules = (parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

describe('every query of the dashboard names series and labels that exist', () => {
  test.each(graphs.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr])))('%s: %s', (_title, query) => {
    expect(faultsOf(query)).toEqual([]);
  });

  test('and every legend a label by which its query groups', () => {
    const strange = graphs.flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr, legendFormat }) =>
        [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)]
          .filter(([, label = '']) => !partsOf(expr).labels.includes(label))
          .map(([shown]) => `${title}: ${shown}`),
      ),
    );
    expect(strange).toEqual([]);
  });
});

describe('every alert', () => {
  test.each(rules.map(({ alert, expr }) => [alert, expr]))('%s names series and labels that exist', (_alert, query) => {
    expect(faultsOf(query)).toEqual([]);
  });

  test('says what is wrong and what to do, with labels that its query keeps', () => {
    const labelless = rules.flatMap(({ alert, expr, annotations }) =>
      [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ]
        .filter(([, label = '']) => !partsOf(expr).labels.includes(label) && !(expr.startsWith('up{') && label === 'instance'))
        .map(([used]) => `${alert}: ${used}`),
    );
    expect(labelless).toEqual([]);
    expect(rules.filter(({ annotations }) => !annotations['summary'] || !annotations['action'])).toEqual([]);
  });
});

test('a call that was broken off as no longer needed counts nowhere as one that failed', () => {
  const queries = [...rules.map(({ expr }) => expr), ...graphs.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))];
  const ofFailures = queries.filter((query) => /outcome(!=|!~)"answered/.test(query));
  expect(ofFailures.length).toBeGreaterThan(2);
  expect(ofFailures.filter((query) => !query.includes('outcome!~"answered|aborted"'))).toEqual([]);
});

test('an alert that names a tier is about queues that have one, and every queue has an alert on how long its entries wait', () => {
  const namesTier = rules.filter(({ annotations }) => Object.values(annotations).join(' ').includes('$labels.tier'));
  expect(namesTier.filter(({ expr }) => !/tier(!=""|="fallback")/.test(expr))).toEqual([]);
  const waits = rules.filter(({ expr }) => expr.includes('upshift_queue_oldest_waiting_seconds')).map(({ expr }) => expr);
  expect(waits.filter((expr) => expr.includes('tier!=""'))).toHaveLength(1);
  expect(waits.filter((expr) => expr.includes('tier=""'))).toHaveLength(1);
});

test('webhooks that wait for their receiver are no work that no job makes progress in', () => {
  const { expr } = rules.find(({ alert }) => alert === 'UpshiftNoProgress')!;
  expect(expr).toContain(`queue!="${DELIVER_QUEUE}"`);
});

test('a query that is wrong is found', () => {
  expect(faultsOf('sum by (tier) (rate(upshift_attempts_total{moon="full"}[5m]))')).toEqual([
    'upshift_attempts_total has no label moon',
  ]);
  expect(faultsOf('upshift_attempts')).toEqual(['nobody exports upshift_attempts']);
  expect(faultsOf('sum(rate(upshift_attempts_total[5m])')).not.toEqual([]);
});

test('the dashboard can be imported: a datasource to choose, one id per panel', () => {
  expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource']);
  expect(new Set(graphs.map(({ datasource }) => datasource?.uid))).toEqual(new Set(['${datasource}']));
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});

test('every metric of ours has its place on the dashboard', () => {
  const shown = new Set(graphs.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => partsOf(expr).names)));
  const names = Object.values(metricTable).map(({ name }) => name);
  expect(names.filter((name) => !shown.has(name) && !shown.has(`${name}_bucket`))).toEqual([]);
});

test('no label can have many values', () => {
  const few = ['code', 'method', 'model', 'outcome', 'queue', 'reason', 'route', 'state', 'status', 'tier', 'type'];
  expect(
    Object.values(metricTable).flatMap(({ labelNames }) => labelNames.filter((label: string) => !few.includes(label))),
  ).toEqual([]);
});
