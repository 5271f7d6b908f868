import type { Attempt, JobRequestBody, JobState, TrailEntry } from '@upshift/contracts';
import { describe, expect, test } from 'vitest';

import { attemptsOf } from '../../services/console/src/attempts.ts';
import { jobPage } from '../../services/console/src/job-page.ts';
import type { StoredJob } from '../../services/console/src/job-page.ts';
import { timelineOf } from '../../services/console/src/timeline.ts';
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

/** What people read of a page. */
const wordsOf = ({ text }: { text: string }): string =>
  text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

describe('the ledger', () => {
  const { state } = hostileJob();
  const ledger = (...attempts: Partial<Attempt>[]): { text: string } =>
    attemptsOf(
      {
        ...state,
        createdAt: NOON,
        completedAt: null,
        attempts: attempts.map((attempt) => ({ ...state.attempts[0]!, ...attempt })),
      },
      NOON + 4000,
    );

  test.each<[Partial<Attempt>, string]>([
    [{ outcome: 'answered', costNanoUsd: 1_500_000 }, '✓ answered 0.95 1,000 100 $0.0015'],
    [{ outcome: 'answered', passed: false }, '✓ answered 0.95 ✕ gate 1,000 100 $0.0015'],
    [{ outcome: 'refused', score: null }, '▾ refused – 1,000 100 $0.0015'],
    [{ outcome: 'failed', errorCode: 'overloaded', usage: null, costNanoUsd: 0 }, '✕ overloaded 0.95 – – $0'],
    [{ outcome: null, state: 'unknown', score: null, usage: null, costNanoUsd: null }, '? outcome unknown – – – unknown'],
    [{ outcome: null, state: 'sent', score: null, usage: null, costNanoUsd: null }, '▸ sent – – – unknown'],
    [{ outcome: null, state: 'claimed', score: null, usage: null, costNanoUsd: null }, '▸ claimed – – – –'],
  ])('tells what became of a call, and what it cost or that nobody knows: %o', (attempt, told) => {
    expect(wordsOf(ledger(attempt))).toContain(`economy live ${told}`);
  });

  test('draws what a call waited and took against the life of the job, and one of a moment so that it is seen', () => {
    const { text } = ledger(
      { claimedAt: NOON + 1000, sentAt: NOON + 2000, settledAt: NOON + 3500 },
      { claimedAt: NOON + 4000, sentAt: null, settledAt: null },
    );
    const line = text.replaceAll(/\s+/g, ' ');
    const bars = [...line.matchAll(/class="(wait|call)" x="([\d.]+)" width="([\d.]+)"/g)].map((bar) => bar.slice(1).join(' '));
    expect(line).toContain('on the 4.0 s of the job');
    expect(bars).toEqual(['wait 250 250', 'call 500 375', 'wait 996 4']);
    expect(wordsOf({ text })).toContain('waited 1.0 s, call 1.5 s');
    expect(wordsOf({ text })).toContain('waited 0 ms, not called');
  });

  test('says that nobody was asked yet', () => {
    expect(wordsOf(ledger())).toBe('No model has been asked yet.');
  });
});

test('the trail tells of each event when it was, and all that it knows', () => {
  const at = new Date(NOON + 1500).toISOString();
  const usage = { input_tokens: 1200, output_tokens: 30 } as TrailEntry['usage'];
  const checks: TrailEntry['checks'] = [
    { type: 'json', gate: true, passed: true, score: 1, weight: 1, reason: 'is JSON' },
    { type: 'llm_judge', gate: false, passed: false, score: 0.2, weight: 1, reason: 'vague', cost_usd: 0.001 },
  ];
  const entries = [
    {
      event: 'attempt-settled',
      at,
      attempt: 2,
      purpose: 'judge',
      lane: 'batch',
      usage,
      cost_usd: 0.5,
      wait_ms: 20,
      model_ms: 900,
    },
    { event: 'attempt-failed', at, lane: 'live', usage: null, cost_usd: null, error: 'timeout', reason: 'no answer in time' },
    { event: 'answer-judged', at, score: 0.6, complexity: 0.3, checks, tier: 'economy', model: 'openai/low' },
  ].map((entry) => ({ reason: '', ...entry })) as unknown as TrailEntry[];
  expect(wordsOf(timelineOf(entries, NOON))).toBe(
    [
      '← attempt-settled #2 judge +1.5 s lane batch · waited 20 ms · call 900 ms · 1,200 tokens in, 30 out · cost $0.5',
      '✕ attempt-failed +1.5 s no answer in time tokens unknown · cost unknown · timeout',
      '≥ answer-judged openai/low economy +1.5 s complexity 0.3 · score 0.6',
      '✓ passed json (gate) score 1 is JSON ✕ failed llm_judge score 0.2 $0.001 vague',
    ].join(' '),
  );
  expect(wordsOf(timelineOf([], NOON))).toBe('Nothing is recorded yet.');
});

describe('the facts of a job', () => {
  const pageOf = (body: Partial<JobRequestBody>, changes: Partial<JobState> = {}, answer = answerOf('four')): string => {
    const request = requestOf({ input: { prompt: 'x' }, ...body });
    const { job } = after(acceptedJob(config, request), facts, classified(0.1), sent(1), answered(1), judged(1, 0.95));
    return wordsOf(jobPage({ state: { ...job, ...changes }, request, answer, trail: [] }, NOON + 2000));
  };

  test('are those that it has', () => {
    const limits = { cost_usd: 0.5, deadline: new Date(NOON + 60_000).toISOString() };
    const page = pageOf({ task: 'classification', checks: [{ type: 'json' }, { type: 'code' }], limits, webhook: 'mine' });
    for (const fact of [
      'Model openai/low Tier economy Score 0.95 Ended by stop Answer 4 characters Escalations 0 Failovers 0 Fallbacks 0',
      'Cap $0.5',
      'In all 0 ms Accepted 2026-11-23 12:00:00 UTC Ended 2026-11-23 12:00:00 UTC Deadline 2026-11-23 12:01:00 UTC',
      'Task classification Priority normal Input 1 message, about 1 token Checks json, code Webhook mine Revision 1',
    ])
      expect(page).toContain(fact);
    expect(page).not.toMatch(/Metadata|Pinned|refused|degraded/);
  });

  test('say what is missing, and what is not as usual', () => {
    const plain = pageOf({}, { status: 'in_progress', completedAt: null, finalAttempt: null });
    for (const fact of [
      '▸ in progress',
      'Answer none Escalations 0',
      'Cap none of its own',
      'In all 2.0 s so far',
      'Task none given',
    ])
      expect(plain).toContain(fact);
    expect(plain).not.toMatch(/Ended|Deadline|Webhook/);
    expect(pageOf({}, { degraded: true })).toContain('✓ completed ▾ degraded');
    expect(pageOf({ model: 'openai/low' })).toContain('Pinned to openai/low');
    const calls = [{ id: '1', name: 'find', arguments: '{}' }];
    expect(pageOf({}, {}, answerOf('', { toolCalls: calls }))).toContain('Answer 0 characters, 1 tool call');
    expect(pageOf({}, {}, answerOf('', { vectors: [[1], [2]] }))).toContain('Answer 2 vectors');
  });

  test('say that the model refused', () => {
    const { state, ...rest } = hostileJob();
    const attempts = [{ ...state.attempts[0]!, outcome: 'refused' } as const];
    expect(wordsOf(jobPage({ ...rest, state: { ...state, attempts } }, NOON))).toContain('✓ completed ▾ refused by the model');
  });
});
