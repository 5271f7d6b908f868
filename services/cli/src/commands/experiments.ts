import { readFileSync } from 'node:fs';

import { experimentMetrics } from '@upshift/contracts';
import type { EstimateView, ExperimentSummary, ExperimentView, MetricName, SeriesPoint } from '@upshift/contracts';
import { parse } from 'yaml';

import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { table } from '../table.ts';

const at = (name: string, rest = ''): string => `/v1/experiments/${encodeURIComponent(name)}${rest}`;

export async function listExperiments(api: Api, json: boolean): Promise<number> {
  const { data } = await api.get<{ data: ExperimentSummary[] }>('/v1/experiments');
  const rows = data.map(({ name, kind, route, status, shares, reason }) => [
    name,
    kind,
    route,
    status,
    sharesText(shares),
    reason,
  ]);
  return show(json, data, table(['name', 'kind', 'route', 'status', 'shares', 'why'], rows));
}

/** @param file YAML or JSON */
export async function createExperiment(api: Api, file: string, json: boolean): Promise<number> {
  const made = await api.post<ExperimentView>('/v1/experiments', documentOf(file));
  return show(json, made, [`${made.name} runs on route ${made.route}: ${sharesText(made.shares)}`]);
}

export async function showExperiment(api: Api, name: string, json: boolean): Promise<number> {
  const experiment = await api.get<ExperimentView>(at(name));
  return show(json, experiment, linesOf(experiment));
}

export async function commandExperiment(
  api: Api,
  name: string,
  command: 'pause' | 'resume' | 'promote' | 'abort',
  arm: string | undefined,
  json: boolean,
): Promise<number> {
  const changed = await api.post<ExperimentView>(at(name, `/${command}`), arm === undefined ? {} : { arm });
  return show(json, changed, [`${name} is ${changed.status}: ${changed.reason}`]);
}

function documentOf(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new CommandError(`${file}: ${error instanceof Error ? error.message : String(error)}`, exitCode.refused);
  }
}

function linesOf(experiment: ExperimentView): string[] {
  const {
    name,
    kind,
    route,
    status,
    reason,
    shares,
    document,
    held_jobs: held,
    released_jobs: released,
    rerun_jobs: rerun,
  } = experiment;
  const holds = document.kind === 'canary' && document.hold;
  return [
    `${name}: ${kind} on route ${route}, ${status}`,
    reason,
    `new jobs: ${sharesText(shares)}`,
    ...(holds ? [`held answers: ${held} wait, ${released} were released, ${rerun} jobs were answered anew`] : []),
    ...(experiment.preferences === null ? [] : [preferenceText(experiment.preferences)]),
    '',
    ...armLines(experiment),
    '',
    ...experiment.words,
    ...document.metrics.flatMap((metric) => plotLines(metric, experiment.series)),
    ...(experiment.history.length > 0
      ? ['', ...experiment.history.map((entry) => `${entry.at}  ${entry.event}  ${entry.reason}`)]
      : []),
  ];
}

function preferenceText({ candidate, delivered, same }: NonNullable<ExperimentView['preferences']>): string {
  return `the judge, blind: the candidate was better ${candidate} times, what was delivered ${delivered} times, ${same} times neither`;
}

function armLines({ arms, document }: ExperimentView): string[] {
  const rows = arms.map((arm) => [
    arm.arm,
    arm.jobs,
    arm.fallback_jobs,
    ...document.metrics.map((metric) => estimateText(arm.metrics[metric])),
    estimateText(arm.latency_p95_ms ?? undefined),
    round(arm.cost_usd),
    arm.cost_per_accepted_usd === null ? '' : round(arm.cost_per_accepted_usd),
  ]);
  const columns = ['arm', 'jobs', 'fallback', ...document.metrics, 'p95 ms', 'USD', 'USD per accepted'];
  return rows.length === 0 ? ['No job has ended yet.'] : table(columns, rows);
}

/** Columns of a plot, and its rows. */
const WIDTH = 60;
const HEIGHT = 8;
const signs = ['o', 'x', '+', '*', '#', '@', '%', '&', '=', '~'];

/** A metric over time: a sign per arm, with its interval now behind the name. */
function plotLines(metric: MetricName, series: SeriesPoint[]): string[] {
  const points = series.filter((point) => point.metrics[metric] !== undefined);
  const last = points.at(-1)?.metrics[metric];
  if (last === undefined || points.length < 2) return [];
  const arms = Object.keys(last);
  const values = points.flatMap((point) => Object.values(point.metrics[metric]!).flatMap(({ value }) => value ?? []));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (most === least) return ['', `${metric}: ${round(most)} in all arms all the time`];
  const rowOf = (value: number): number => Math.round(((value - least) / (most - least)) * (HEIGHT - 1));
  const grid = Array.from({ length: HEIGHT }, () => Array<string>(WIDTH).fill(' '));
  arms.forEach((arm, index) => {
    for (let column = 0; column < WIDTH; column += 1) {
      const point = points[Math.floor((column / WIDTH) * points.length)]!;
      const value = point.metrics[metric]?.[arm]?.value;
      if (value !== undefined && value !== null) grid[HEIGHT - 1 - rowOf(value)]![column] = signs[index % signs.length]!;
    }
  });
  const legend = arms.map((arm, index) => `${signs[index % signs.length]} ${arm} ${estimateText(last[arm])}`).join('   ');
  const better = experimentMetrics[metric].better;
  const label = (row: number): string => (row === 0 ? round(most) : row === HEIGHT - 1 ? round(least) : '').padStart(10);
  return [
    '',
    `${metric} (${better} is better)   ${legend}`,
    ...grid.map((row, index) => `${label(index)} |${row.join('').trimEnd()}`),
  ];
}

function estimateText(estimate: EstimateView | undefined): string {
  if (estimate?.value === undefined || estimate.value === null) return '';
  const { value, low, high } = estimate;
  return `${round(value)} [${low === null ? '?' : round(low)}, ${high === null ? '?' : round(high)}]`;
}

function sharesText(shares: Record<string, number>): string {
  const texts = Object.entries(shares).map(([arm, share]) => `${arm} ${round(share * 100)} %`);
  return texts.length === 0 ? 'none of its arms' : texts.join(', ');
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function show(json: boolean, value: unknown, lines: string[]): number {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`);
  return exitCode.ok;
}
