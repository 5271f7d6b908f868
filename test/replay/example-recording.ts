import { jobRecording } from '@upshift/contracts';
import type { JobRecording, RecordedAttempt } from '@upshift/contracts';

export const LOW = 'openai/low';
export const HIGH = 'anthropic/high';

const usage = { input_tokens: 10, cached_input_tokens: 0, cache_write_tokens: 0, output_tokens: 5, reasoning_tokens: 0 };

export function exampleAttempt(changes: Partial<RecordedAttempt> = {}): RecordedAttempt {
  return {
    attempt: 1,
    purpose: 'answer',
    tier: 'economy',
    model: LOW,
    outcome: 'answered',
    error: null,
    judges: null,
    answer: { text: 'blue', tool_calls: [], finish_reason: 'stop' },
    usage,
    cost_usd: 0.25,
    model_ms: 3,
    score: 1,
    passed: true,
    checks: [],
    late_verdict: null,
    ...changes,
  };
}

/** A job that the first attempt has answered. */
export function exampleRecording(job: string, changes: object = {}): JobRecording {
  return jobRecording.parse({
    object: 'recording',
    job,
    created_at: '2026-11-23T12:00:00.000Z',
    configuration: 'v1',
    seed: 0.5,
    redactions: 0,
    request: { input: { messages: [{ role: 'user', content: 'What colour?' }] } },
    status: 'completed',
    route: 'default',
    task: null,
    attempts: [exampleAttempt()],
    final_attempt: 1,
    degraded: false,
    cost_usd: 0.25,
    cost_unknown: false,
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    ...changes,
  });
}
