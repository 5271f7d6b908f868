import type { CheckOutcome, TrailEntry, TrailEvent } from '@upshift/contracts';
import { usdToNanoUsd } from '@upshift/routing';

import { count, duration, money } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { badge } from './status.ts';
import type { Tone } from './status.ts';

/** How each event looks: by a tone and a sign, so that nothing is told by colour alone. */
const looks: Record<TrailEvent, [tone: Tone, sign: string]> = {
  'job-accepted': ['calm', '●'],
  'arm-assigned': ['calm', '⚖'],
  'job-classified': ['calm', '◆'],
  'attempt-claimed': ['busy', '○'],
  'attempt-sent': ['busy', '→'],
  'attempt-waiting': ['warn', '…'],
  'attempt-settled': ['good', '←'],
  'attempt-failed': ['bad', '✕'],
  'answer-verified': ['calm', '✓'],
  'answer-judged': ['calm', '≥'],
  'budget-denied': ['bad', '$'],
  'job-escalated': ['warn', '▲'],
  'job-failed-over': ['warn', '⇄'],
  'job-fell-back': ['warn', '▼'],
  'job-requeued': ['warn', '↻'],
  'job-held': ['warn', '‖'],
  'job-released': ['good', '▶'],
  'job-rerun': ['warn', '↻'],
  'answer-reused': ['warn', '⎘'],
  'answer-confirmed': ['good', '✓'],
  'job-reopened': ['warn', '↻'],
  'job-completed': ['good', '✓'],
  'job-failed': ['bad', '✕'],
  'job-cancelled': ['calm', '−'],
  'job-expired': ['bad', '!'],
};

/** The trail, with the time of each event since the job was accepted. */
export function timelineOf(trail: TrailEntry[], start: number): Html {
  if (trail.length === 0) return html`<p class="empty">Nothing is recorded yet.</p>`;
  return html`<ol class="trail">
    ${trail.map((entry) => step(entry, start))}
  </ol>`;
}

function step(entry: TrailEntry, start: number): Html {
  const [tone, sign] = looks[entry.event];
  const facts = factsOf(entry);
  return html`<li class="${tone}">
    <span class="sign" aria-hidden="true">${sign}</span>
    <p class="line">
      <strong>${entry.event}</strong
      >${entry.attempt !== undefined && html` <span>#${entry.attempt} ${entry.purpose}</span>`}${entry.model !== undefined && html` <span class="muted">${entry.model}</span>`}${entry.tier !== undefined && html` <span class="muted">${entry.tier}</span>`}<time
        datetime="${entry.at}"
        title="${entry.at}"
        >+${duration(Date.parse(entry.at) - start)}</time
      >
    </p>
    ${entry.reason !== '' && html`<p class="why">${entry.reason}</p>`}
    ${facts.length > 0 && html`<p class="muted">${facts.join(' · ')}</p>`}
    ${
      entry.checks !== undefined &&
      entry.checks.length > 0 &&
      html`<ul class="checks">
        ${entry.checks.map(checkLine)}
      </ul>`
    }
  </li>`;
}

function factsOf({ lane, usage, cost_usd: costUsd, wait_ms: waitMs, model_ms: modelMs, ...entry }: TrailEntry): string[] {
  return [
    ...(lane === undefined || lane === 'live' ? [] : [`lane ${lane}`]),
    ...(waitMs === undefined ? [] : [`waited ${duration(waitMs)}`]),
    ...(modelMs === undefined ? [] : [`call ${duration(modelMs)}`]),
    ...(usage === undefined ? [] : [tokens(usage)]),
    ...(costUsd === undefined ? [] : [costUsd === null ? 'cost unknown' : `cost ${money(usdToNanoUsd(costUsd))}`]),
    ...(entry.complexity === undefined ? [] : [`complexity ${entry.complexity}`]),
    ...(entry.score === undefined ? [] : [`score ${entry.score}`]),
    ...(entry.error === undefined ? [] : [entry.error]),
  ];
}

function tokens(usage: TrailEntry['usage']): string {
  return usage ? `${count(usage.input_tokens)} tokens in, ${count(usage.output_tokens)} out` : 'tokens unknown';
}

function checkLine({ type, gate, passed, score, reason, cost_usd: costUsd }: CheckOutcome): Content {
  return html`<li>
    ${passed ? badge('good', '✓', 'passed') : badge('bad', '✕', 'failed')} <strong>${type}</strong>${gate && ' (gate)'}
    <span class="n">score ${score}</span
    >${typeof costUsd === 'number' && html` <span class="n">${money(usdToNanoUsd(costUsd))}</span>`}
    <span class="why">${reason}</span>
  </li>`;
}
