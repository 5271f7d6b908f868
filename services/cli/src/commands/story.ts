import { styleText } from 'node:util';

import type { JobView, TrailEntry } from '@upshift/contracts';

import { counted } from '../table.ts';

const WIDTH = { offset: 9, event: 16, attempt: 2, tier: 9, model: 30 };

/** One line of a trail for people: when (from the first line), what, which attempt of which model, cost, why. */
export function storyLine(entry: TrailEntry, startedAt: number, stream: NodeJS.WriteStream): string {
  const offset = `+${((Date.parse(entry.at) - startedAt) / 1000).toFixed(3)}s`;
  const cost = entry.cost_usd === undefined ? '' : entry.cost_usd === null ? 'cost unknown' : `${entry.cost_usd.toFixed(6)} USD`;
  const event = styleText(colourOf(entry), entry.event.padEnd(WIDTH.event), { stream });
  return [
    offset.padStart(WIDTH.offset),
    event,
    String(entry.attempt ?? '').padStart(WIDTH.attempt),
    (entry.tier ?? '').padEnd(WIDTH.tier),
    (entry.model ?? '').padEnd(WIDTH.model),
    [cost, entry.reason].filter(Boolean).join('  '),
  ].join('  ');
}

function colourOf({ event }: TrailEntry): 'green' | 'red' | 'yellow' | 'gray' {
  if (event === 'job-completed') return 'green';
  if (/failed$|expired|cancelled|denied/.test(event)) return 'red';
  return /escalated|failed-over|fell-back|waiting|requeued|reopened/.test(event) ? 'yellow' : 'gray';
}

/** What a job came to, in two lines. */
export function summaryOf(job: JobView): string {
  const { result } = job;
  const by =
    result === null
      ? 'no answer'
      : `${result.model} (${result.tier})${result.degraded ? ', degraded' : ''}${result.refusal ? ', refused' : ''}`;
  const counts = [
    counted(job.attempts, 'attempt'),
    counted(job.escalations, 'escalation'),
    counted(job.failovers, 'failover'),
    counted(job.fallbacks, 'fallback'),
  ];
  return `${job.id}  ${job.status}  ${by}\n${counts.join(', ')}, ${costOf(job)}`;
}

/** What a model gave: its text, the calls of tools that it asks for as JSON, and of vectors how many there are. */
export function answerOf({ text, tool_calls: calls, vectors }: NonNullable<JobView['result']>): string {
  if (vectors !== null) return `${counted(vectors.length, 'vector')} (--json has them)`;
  return [...(text === '' ? [] : [text]), ...calls.map((call) => JSON.stringify(call))].join('\n');
}

/** What a job has cost, with its unit: a part that is not known is not 0. */
export function costOf({ cost_usd: usd, cost_unknown: unknown }: JobView): string {
  return `${usd.toFixed(6)} USD${unknown ? ' and an unknown part' : ''}`;
}
