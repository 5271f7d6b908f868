import { experimentMetrics } from '@upshift/contracts';
import type { ArmResults, ExperimentView } from '@upshift/contracts';

import { table } from '../table.ts';
import { estimateText, plotLines, round } from './experiment-plot.ts';

/** An experiment with its results, for the terminal. */
export function experimentLines(experiment: ExperimentView): string[] {
  const { name, kind, route, status, reason, shares, document, words, series, history } = experiment;
  return [
    `${name}: ${kind} on route ${route}, ${status}`,
    reason,
    `new jobs: ${sharesText(shares)}`,
    ...heldLines(experiment),
    ...shadowLines(experiment),
    '',
    ...armLines(experiment),
    '',
    ...words,
    ...document.metrics.flatMap((metric) => plotLines(metric, series)),
    '',
    ...history.map((entry) => `${entry.at}  ${entry.event}  ${entry.reason}`),
  ];
}

export function sharesText(shares: Record<string, number>): string {
  const texts = Object.entries(shares).map(([arm, share]) => `${arm} ${round(share * 100)} %`);
  return texts.length === 0 ? 'none of its arms' : texts.join(', ');
}

function heldLines({ document, held_jobs: held, released_jobs: released, rerun_jobs: rerun }: ExperimentView): string[] {
  if (document.kind !== 'canary' || !document.hold) return [];
  return [`held answers: ${held} wait, ${released} were released, ${rerun} jobs were answered anew`];
}

function shadowLines({ document, shadow }: ExperimentView): string[] {
  if (document.kind !== 'shadow' || shadow === null) return [];
  const { cost_usd: cost, waiting_jobs: waiting, skipped_jobs: skipped } = shadow;
  const passedOver = skipped === 0 ? '' : `, ${skipped} jobs were passed over`;
  return [`spent: ${round(cost)} of ${document.budget_usd} USD; ${waiting} answers wait to be followed${passedOver}`];
}

/** A row per figure, a column per arm; first the metrics that the document names. */
function armLines({ arms, document }: ExperimentView): string[] {
  if (arms.length === 0) return ['No job has ended yet.'];
  const metrics = [...new Set([...document.metrics, ...Object.keys(experimentMetrics)])];
  const rows: [string, (arm: ArmResults) => string | number][] = [
    ['jobs', ({ jobs }) => jobs],
    ['met a fallback', ({ fallback_jobs: jobs }) => jobs],
    ['accepted', ({ accepted_jobs: jobs }) => jobs],
    ...metrics.map((metric): [string, (arm: ArmResults) => string] => [metric, (arm) => estimateText(arm.metrics[metric])]),
    ['latency p50 ms', (arm) => estimateText(arm.latency_p50_ms)],
    ['latency p95 ms', (arm) => estimateText(arm.latency_p95_ms)],
    ['USD', costText],
    ['USD per accepted', ({ cost_per_accepted_usd: cost }) => (cost === null ? '' : round(cost))],
  ];
  return table(
    ['', ...arms.map(({ arm }) => arm)],
    rows.map(([title, cell]) => [title, ...arms.map(cell)]).filter((row) => row.slice(1).some((cell) => cell !== '')),
  );
}

function costText({ cost_usd: cost, cost_unknown_jobs: unknown }: ArmResults): string {
  return unknown === 0 ? round(cost) : `${round(cost)} and ${unknown} jobs unknown`;
}
