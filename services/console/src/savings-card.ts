import type { SavingsRow, SavingsView } from '@upshift/contracts';

import { count, percent, usdText } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { liveCard } from './layout.ts';

/** Of the drawing, in its own units; the page scales it. */
const WIDTH = 600;
const BAR = { label: 15, height: 18, gap: 8, values: 90 };
const ROW = BAR.label + BAR.height + BAR.gap;

interface Bar {
  name: string;
  /** In USD: one after another from the left. */
  parts: { usd: number; kind: 'answers' | 'lost' | 'scoring' | 'instead' }[];
}

/** What the jobs of the last days cost, beside what they would have cost otherwise. */
export function savingsCard({ from, to, total, routes }: SavingsView): Html {
  const days = html`<p class="muted">${from} to ${to}</p>`;
  const figures =
    total.jobs === 0
      ? html`<p class="empty">No job has ended in these days.</p>`
      : html`${chart(barsOf(total))} ${routesTable(routes)}`;
  return liveCard('savings', 'Savings', [days, figures]);
}

function barsOf(row: SavingsRow): Bar[] {
  return [
    ...instead('all premium', row.all_premium),
    ...instead('best single', row.best_single),
    {
      name: 'Upshift',
      parts: [
        { usd: row.cost_usd - row.lost_usd - row.scoring_usd, kind: 'answers' },
        { usd: row.lost_usd, kind: 'lost' },
        { usd: row.scoring_usd, kind: 'scoring' },
      ],
    },
    ...instead('all economy', row.all_economy),
    { name: 'perfect router', parts: [{ usd: row.perfect_usd, kind: 'instead' }] },
  ];
}

function instead(name: string, one: { model: string; cost_usd: number } | null): Bar[] {
  return one === null ? [] : [{ name: `${name}: ${one.model}`, parts: [{ usd: one.cost_usd, kind: 'instead' }] }];
}

function chart(bars: Bar[]): Html {
  const most = Math.max(...bars.map(usdOf)) || 1;
  const height = bars.length * ROW;
  return html`<figure class="savings">
    <figcaption>
      Cost, USD: <span class="answers">■ results</span> <span class="lost">■ answers that did not suffice</span>
      <span class="scoring">■ scoring</span>
    </figcaption>
    <svg
      viewBox="0 0 ${WIDTH} ${height}"
      role="img"
      aria-label="${bars.map((bar) => `${bar.name} ${usdText(usdOf(bar))}`).join(', ')}"
    >
      ${bars.map((bar, index) => barOf(bar, index * ROW, most))}
    </svg>
  </figure>`;
}

/** Its name stands above it: that of a model may be longer than all of the drawing. */
function barOf(bar: Bar, top: number, most: number): Html {
  const scale = (WIDTH - BAR.values) / most;
  const y = top + BAR.label;
  let x = 0;
  const parts = bar.parts.map(({ usd, kind }) => {
    const width = Math.max(0, usd * scale);
    const rect = html`<rect class="${kind}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR.height}" />`;
    x += width;
    return rect;
  });
  const middle = y + BAR.height * 0.72;
  return html`<g>
    <text x="0" y="${y - 4}">${bar.name}</text>
    ${parts}
    <text x="${(x + 6).toFixed(1)}" y="${middle}">${usdText(usdOf(bar))}</text>
  </g>`;
}

function usdOf({ parts }: Bar): number {
  return parts.reduce((sum, { usd }) => sum + usd, 0);
}

function routesTable(routes: SavingsView['routes']): Html {
  return html`<table>
    <thead>
      <tr>
        <th scope="col">Route</th>
        <th scope="col" class="n">Jobs</th>
        <th scope="col" class="n">Accepted</th>
        <th scope="col" class="n">Paid</th>
        <th scope="col" class="n" title="Answers that were not the result, and jobs without one">Lost</th>
        <th scope="col" class="n" title="Judges, answers to compare with, models that classify">Scoring</th>
        <th scope="col" class="n">All premium</th>
        <th scope="col" class="n">Saved</th>
      </tr>
    </thead>
    <tbody>
      ${Object.entries(routes).map(([name, row]) => routeRow(name, row))}
    </tbody>
  </table>`;
}

function routeRow(name: string, row: SavingsRow): Html {
  const premium = row.all_premium?.cost_usd ?? null;
  return html`<tr>
    <th scope="row">${name}</th>
    ${cell(count(row.jobs))}${cell(percent(row.good, row.jobs))}${cell(usdText(row.cost_usd))}${cell(usdText(row.lost_usd))}${cell(usdText(row.scoring_usd))}${cell(premium === null ? '–' : usdText(premium))}${cell(premium === null ? '–' : percent(row.saved_usd ?? 0, premium))}
  </tr>`;
}

function cell(content: Content): Html {
  return html`<td class="n">${content}</td>`;
}
