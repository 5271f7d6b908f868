import type { JobStatus } from '@upshift/contracts';

import { html } from './html.ts';
import type { Html } from './html.ts';

/** What something is told apart by, beside its sign: a class of the page's style. */
export type Tone = 'good' | 'bad' | 'warn' | 'calm' | 'busy';

/** A word with a sign before it: colour alone says nothing. */
export function badge(tone: Tone, sign: string, word: string, title = ''): Html {
  return html`<span class="badge ${tone}" title="${title}"><span aria-hidden="true">${sign}</span> ${word}</span>`;
}

const statuses: Record<JobStatus, [tone: Tone, sign: string]> = {
  queued: ['calm', '…'],
  in_progress: ['busy', '▸'],
  completed: ['good', '✓'],
  failed: ['bad', '✕'],
  cancelled: ['calm', '−'],
  expired: ['bad', '!'],
};

/** A job's status; a completed one that only has the best answer so far is marked. */
export function statusBadge({ status, degraded }: { status: JobStatus; degraded: boolean }): Html {
  const [tone, sign] = statuses[status];
  const mark = degraded && html` ${badge('warn', '▾', 'degraded', 'the chain ended; this is the best answer that there was')}`;
  return html`${badge(tone, sign, status.replace('_', ' '))}${mark}`;
}
