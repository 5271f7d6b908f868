import type { TrailEntry } from '@upshift/contracts';
import { expect, test } from 'vitest';

import { jobPage } from '../../services/console/src/job-page.ts';
import type { StoredJob } from '../../services/console/src/job-page.ts';
import {
  acceptedJob,
  after,
  answered,
  answerOf,
  classified,
  exampleConfig,
  factsOf,
  judged,
  NOON,
  requestOf,
  sent,
} from '../routing/example.ts';

const HOSTILE = '<script>alert(1)</script>';
const config = exampleConfig();
const facts = factsOf(config);

/** A job that one answer ended, told with hostile text wherever a client or a model may put it. */
function hostileJob(): StoredJob {
  const request = requestOf({
    input: { prompt: `PROMPT ${HOSTILE}` },
    metadata: { [HOSTILE]: HOSTILE },
    checks: [{ type: 'regex', pattern: HOSTILE }],
  });
  const { job, trail } = after(acceptedJob(config, request), facts, classified(0.1), sent(1), answered(1), judged(1, 0.95));
  const check = { type: 'regex', gate: true, passed: false, score: 0, weight: 1, reason: `no match for ${HOSTILE}` } as const;
  const line: TrailEntry = {
    ...trail[0]!,
    event: 'answer-judged',
    attempt: 1,
    purpose: 'answer',
    checks: [check],
    reason: HOSTILE,
  };
  return { state: { ...job, reasons: [HOSTILE] }, request, answer: answerOf(`ANSWER ${HOSTILE}`), trail: [...trail, line] };
}

test('what clients and models wrote is text, never markup', () => {
  const page = jobPage(hostileJob(), NOON).text;
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).toContain('<script type="module" src="/assets/console.js">');
  expect(page.split('&#60;script&#62;alert(1)&#60;/script&#62;').length - 1).toBeGreaterThanOrEqual(5);
});

test('of the prompt and the answer only sizes are shown', () => {
  const page = jobPage(hostileJob(), NOON).text;
  expect(page).not.toMatch(/PROMPT|ANSWER/);
  expect(page).toContain('1 message, about');
  expect(page).toContain('32 characters');
});

test('a cost that is not known is said, never shown as nothing', () => {
  const { state, ...rest } = hostileJob();
  const unknown = { ...state.attempts[0]!, state: 'unknown', costNanoUsd: null } as const;
  const page = jobPage({ ...rest, state: { ...state, attempts: [unknown] } }, NOON).text;
  expect(page).toContain('and an unknown amount');
  expect(jobPage(hostileJob(), NOON).text).not.toContain('and an unknown amount');
});

test('only a job that has not ended brings itself up to date', () => {
  const job = hostileJob();
  const running = { ...job, state: { ...job.state, status: 'in_progress', completedAt: null } } as const;
  for (const part of ['job', 'attempts', 'trail']) expect(jobPage(running, NOON).text).toContain(`id="${part}" data-live`);
  expect(jobPage(job, NOON).text).not.toContain('data-live');
});

test('a job that ended before it was started does not wait on', () => {
  const request = requestOf({ input: { prompt: 'x' } });
  const { job, trail } = after(acceptedJob(config, request), facts, { type: 'cancelled' });
  const waited = (state: typeof job): string =>
    /Waited for a start<\/dt>\s*<dd>([^<]*)/.exec(jobPage({ state, request, answer: null, trail }, NOON + 185_000).text)?.[1] ??
    '';
  expect(waited(job)).toBe('ended before it');
  expect(waited({ ...job, status: 'queued', completedAt: null })).toBe('3 min 5 s so far');
});

test('what scrolls stands around what is brought up to date: a click into it would else stop that', () => {
  const job = hostileJob();
  const page = jobPage({ ...job, state: { ...job.state, status: 'in_progress', completedAt: null } }, NOON).text;
  expect(page).toMatch(/tabindex="0"[^>]*>\s*<div id="attempts" data-live>/);
});

test('no markup carries style or script of its own, which the policy of the page would refuse', () => {
  expect(jobPage(hostileJob(), NOON).text).not.toMatch(/\s(?:style|on[a-z]+)=/);
});
