import type { ExperimentSummary, ExperimentView } from '@upshift/contracts';

import { estimateText, metricPlot } from './experiment-plot.ts';
import { count, moment, percent } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { layout } from './layout.ts';

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
  return layout({ title: 'Experiments', here: 'experiments', body: card('experiments', 'Experiments', body) });
}

/** One experiment: its arms, what can be concluded, and its metrics over time. */
export function experimentPage(experiment: ExperimentView): Html {
  const { name, kind, route, status, reason, shares, document, words, series, history } = experiment;
  const summary = html`<p>${kind} on route ${route}: ${status.replace('_', ' ')}. ${reason}.</p>
    <p>New jobs: ${sharesText(shares)}.</p>
    ${document.kind === 'canary' && document.hold && html`<p>${heldText(experiment)}</p>`}`;
  const plots = document.metrics.map((metric) => metricPlot(metric, series));
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
      card('experiment', name, summary),
      card('arms', 'Arms', armsTable(experiment)),
      card(
        'words',
        'What can be concluded',
        words.map((sentence) => html`<p>${sentence}</p>`),
      ),
      card('metrics', 'Over time', plots),
      events.length > 0 && card('history', 'History', table(['Time', 'Event', 'Why'], events)),
    ],
  });
}

function armsTable({ arms, document }: ExperimentView): Html {
  const rows = arms.map(
    (arm) =>
      html`<tr>
        <td>${arm.arm}</td>
        <td class="n">${count(arm.jobs)}</td>
        <td class="n">${count(arm.fallback_jobs)}</td>
        ${document.metrics.map((metric) => html`<td class="n">${estimateText(arm.metrics[metric])}</td>`)}
        <td class="n">${estimateText(arm.latency_p95_ms)}</td>
        <td class="n">${Number(arm.cost_usd.toPrecision(3))}</td>
      </tr>`,
  );
  return table(['Arm', 'Jobs', 'Met a fallback', ...document.metrics, 'p95 ms', 'USD'], rows);
}

function heldText({ held_jobs: held, released_jobs: released, rerun_jobs: rerun }: ExperimentView): string {
  return `Held answers: ${count(held)} wait, ${count(released)} were released, ${count(rerun)} jobs were answered anew.`;
}

function sharesText(shares: Record<string, number>): string {
  const texts = Object.entries(shares).map(([arm, share]) => `${arm} ${percent(share, 1)}`);
  return texts.length === 0 ? 'none of its arms' : texts.join(', ');
}

function card(id: string, title: string, content: Content): Html {
  return html`<section class="card" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title">
      <div id="${id}" data-live>${content}</div>
    </div>
  </section>`;
}

function table(columns: string[], rows: Html[]): Html {
  return html`<table>
    <thead>
      <tr>
        ${columns.map((column) => html`<th scope="col">${column}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}
