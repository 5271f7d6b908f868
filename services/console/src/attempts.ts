import type { Attempt, JobState } from '@upshift/contracts';

import { count, duration, money } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { badge } from './status.ts';

/** Width of a bar's drawing, in units of its own: it is stretched to the page. */
const WIDTH = 1000;
/** So that a call of a millisecond in a job of an hour is seen. */
const LEAST_WIDTH = 4;

/** The ledger: every paid call, with what it waited and took drawn against the life of the job. */
export function attemptsOf(job: JobState, now: number): Html {
  if (job.attempts.length === 0) return html`<p class="empty">No model has been asked yet.</p>`;
  const start = job.createdAt;
  const end = Math.max(job.completedAt ?? now, ...job.attempts.map(({ settledAt }) => settledAt ?? 0));
  return html`<p class="muted">Bars: thin is waiting, thick is the call, on the ${duration(end - start)} of the job.</p>
    <ol class="bars">
      ${job.attempts.map((attempt) => barRow(attempt, job, start, end))}
    </ol>
    <table>
      <thead>
        <tr>
          <th scope="col" class="n">#</th>
          <th scope="col">Purpose</th>
          <th scope="col">Model</th>
          <th scope="col">Tier</th>
          <th scope="col">Lane</th>
          <th scope="col">Outcome</th>
          <th scope="col" class="n">Score</th>
          <th scope="col" class="n">Tokens in</th>
          <th scope="col" class="n">out</th>
          <th scope="col" class="n">Cost</th>
        </tr>
      </thead>
      <tbody>
        ${job.attempts.map((attempt) => attemptRow(attempt))}
      </tbody>
    </table>`;
}

function barRow(
  { number, purpose, model, claimedAt, sentAt, settledAt }: Attempt,
  job: JobState,
  start: number,
  end: number,
): Html {
  const open = settledAt ?? job.completedAt ?? end;
  const waitMs = (sentAt ?? open) - claimedAt;
  const callMs = sentAt === null ? null : open - sentAt;
  const scale = WIDTH / Math.max(1, end - start);
  const bar = (kind: string, from: number, ms: number, top: number, height: number): Html =>
    html`<rect
      class="${kind}"
      x="${Math.min((from - start) * scale, WIDTH - LEAST_WIDTH)}"
      width="${Math.max(ms * scale, LEAST_WIDTH)}"
      y="${top}"
      height="${height}"
    />`;
  return html`<li>
    <span class="what">#${number} ${purpose} <span class="muted">${model}</span></span>
    <svg viewBox="0 0 ${WIDTH} 16" preserveAspectRatio="none" aria-hidden="true">
      ${bar('wait', claimedAt, waitMs, 6, 4)}${callMs !== null && bar('call', sentAt ?? 0, callMs, 1, 14)}
    </svg>
    <span class="took">waited ${duration(waitMs)}, ${callMs === null ? 'not called' : `call ${duration(callMs)}`}</span>
  </li>`;
}

function attemptRow(attempt: Attempt): Html {
  const { number, purpose, model, tier, lane, score, passed, usage } = attempt;
  return html`<tr>
    <td class="n">${number}</td>
    <td>${purpose}</td>
    <th scope="row">${model}</th>
    <td>${tier}</td>
    <td>${lane}</td>
    <td>${outcome(attempt)}</td>
    <td class="n">${score === null ? '–' : score}${passed === false && html` <strong class="bad">✕ gate</strong>`}</td>
    <td class="n">${usage === null ? '–' : count(usage.inputTokens)}</td>
    <td class="n">${usage === null ? '–' : count(usage.outputTokens)}</td>
    <td class="n">${cost(attempt)}</td>
  </tr>`;
}

function outcome({ outcome, errorCode, state }: Attempt): Html {
  if (outcome === 'answered') return badge('good', '✓', 'answered');
  if (outcome === 'refused') return badge('warn', '▾', 'refused');
  if (outcome === 'failed') return badge('bad', '✕', errorCode ?? 'failed');
  return state === 'unknown' ? badge('bad', '?', 'outcome unknown') : badge('busy', '▸', state);
}

function cost({ costNanoUsd, state }: Attempt): Content {
  if (costNanoUsd !== null) return money(costNanoUsd);
  return state === 'claimed' ? '–' : html`<strong class="warn">unknown</strong>`;
}
