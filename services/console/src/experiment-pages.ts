import { experimentMetrics } from '@upshift/contracts';
import type { ArmResults, ExperimentSummary, ExperimentView } from '@upshift/contracts';

import { estimateText, metricPlot, short } from './experiment-plot.ts';
import { count, counted, moment, usdText } from './format.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { layout, liveCard } from './layout.ts';

/** All experiments, newest first. */
export function experimentsPage(experiments: ExperimentSummary[]): Html {
  const rows = experiments.map(
    ({ name, kind, route, status, shares, reason }) =>
      html`<tr>
        <td><a href="/experiments/${name}">${name}</a></td>
        <td>${kind}</td>
        <td>${route}</td>
        <td>${status.replace('_', ' ')}</td>
        <td>${sharesText(shares)}</td>
        <td>${reason}</td>
      </tr>`,
  );
  const body =
    rows.length === 0
      ? html`<p class="empty">There is none. <code>npx upshift experiments create canary.yaml</code> starts one.</p>`
      : table(['Name', 'Kind', 'Route', 'Status', 'New jobs', 'Why'], rows);
  return layout({
    title: 'Experiments',
    here: 'experiments',
    body: [html`<h1 class="sr">Experiments</h1>`, liveCard('experiments', 'Experiments', body)],
  });
}

/** One experiment: its arms, what can be concluded, and its metrics over time. */
export function experimentPage(experiment: ExperimentView): Html {
  const { name, kind, route, status, reason, shares, document, words, series, history } = experiment;
  const summary = html`<p>${kind} on route ${route}, ${status.replace('_', ' ')}: ${reason}.</p>
    <p>New jobs: ${sharesText(shares)}.</p>
    ${document.kind === 'canary' && document.hold && html`<p>${heldText(experiment)}</p>`}
    ${document.kind === 'shadow' && html`<p>${shadowText(experiment)}</p>`}`;
  const names = experiment.arms.map(({ arm }) => arm);
  const plots = document.metrics.map((metric) => metricPlot(metric, series, names));
  const events = history.map(
    (entry) =>
      html`<tr>
        <td>${moment(Date.parse(entry.at))}</td>
        <td>${entry.event}</td>
        <td>${entry.reason}</td>
      </tr>`,
  );
  return layout({
    title: name,
    here: 'experiments',
    body: [
      html`<h1 class="sr">Experiment ${name}</h1>`,
      liveCard('experiment', name, summary),
      liveCard('arms', 'Arms', armsTable(experiment)),
      liveCard(
        'words',
        'What can be concluded',
        words.map((sentence) => html`<p>${sentence}</p>`),
      ),
      liveCard('metrics', 'Over time', plots),
      events.length > 0 && liveCard('history', 'History', table(['Time', 'Event', 'Why'], events)),
    ],
  });
}

/** A row per figure, a column per arm; first the metrics that the document names. */
function armsTable({ arms, document }: ExperimentView): Html {
  if (arms.length === 0) return html`<p class="empty">No job has ended yet.</p>`;
  const metrics = [...new Set([...document.metrics, ...Object.keys(experimentMetrics)])];
  const figures: [string, (arm: ArmResults) => string][] = [
    ['Jobs', ({ jobs }) => count(jobs)],
    ['Met a fallback', ({ fallback_jobs: jobs }) => count(jobs)],
    ['Accepted', ({ accepted_jobs: jobs }) => count(jobs)],
    ...metrics.map((metric): [string, (arm: ArmResults) => string] => [metric, (arm) => estimateText(arm.metrics[metric])]),
    ['Latency p50, ms', (arm) => estimateText(arm.latency_p50_ms)],
    ['Latency p95, ms', (arm) => estimateText(arm.latency_p95_ms)],
    ['Cost', costText],
    ['Cost per accepted', ({ cost_per_accepted_usd: cost }) => (cost === null ? '–' : usdText(cost))],
  ];
  const rows = figures.map(
    ([title, figure]) =>
      html`<tr>
        <th scope="row">${title}</th>
        ${arms.map((arm) => html`<td class="n">${figure(arm)}</td>`)}
      </tr>`,
  );
  return table(['', ...arms.map(({ arm }) => arm)], rows, 'n');
}

function costText({ cost_usd: cost, cost_unknown_jobs: unknown }: ArmResults): string {
  return unknown === 0 ? usdText(cost) : `${usdText(cost)} and ${counted(unknown, 'job')} unknown`;
}

function shadowText({ shadow, document }: ExperimentView): string {
  if (shadow === null || document.kind !== 'shadow') return '';
  const { cost_usd: cost, waiting_jobs: waiting, skipped_jobs: skipped } = shadow;
  return `Spent: ${usdText(cost)} of ${usdText(document.budget_usd)}. ${counted(waiting, 'answer')} wait to be followed, ${counted(skipped, 'job')} were passed over.`;
}

function heldText({ held_jobs: held, released_jobs: released, rerun_jobs: rerun }: ExperimentView): string {
  return `Held answers: ${count(held)} wait, ${count(released)} were released, ${count(rerun)} jobs were answered anew.`;
}

function sharesText(shares: Record<string, number>): string {
  const texts = Object.entries(shares).map(([arm, share]) => `${arm} ${short(share * 100)} %`);
  return texts.length === 0 ? 'none of its arms' : texts.join(', ');
}

function table(columns: string[], rows: Html[], kind = ''): Html {
  return html`<table>
    <thead>
      <tr>
        ${columns.map((column) => html`<th scope="col" class="${kind}">${column}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}
