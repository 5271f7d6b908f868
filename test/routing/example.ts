import { parseJobRequest, upshiftConfig } from '@upshift/contracts';
import type {
  CallError,
  CallErrorCode,
  JobEvent,
  JobRequest,
  JobRequestBody,
  JobState,
  UnifiedResponse,
  UpshiftConfig,
  Usage,
  Verdict,
} from '@upshift/contracts';
import { acceptJob, decide } from '@upshift/routing';
import type { Decision, Facts } from '@upshift/routing';

/** Monday, 2026-11-23, noon. */
export const NOON = Date.UTC(2026, 10, 23, 12);

export const LOW = 'openai/low';
export const LOW_TWIN = 'anthropic/low';
export const MIDDLE = 'openai/middle';
export const HIGH = 'anthropic/high';
export const EMBEDDER = 'openai/embedder';
export const EMBEDDER_TWIN = 'ollama/embedder:v1';

export function exampleModel(tier: string, input: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    tier,
    capabilities: ['tools', 'structured_output', 'streaming'],
    context_window: 100_000,
    max_output_tokens: 8000,
    prices: [{ from: '2026-01-01', input, output: input * 5 }],
    ...changes,
  };
}

const embedder = { capabilities: ['embedding'], max_output_tokens: 0 };

/** A valid configuration of three tiers, as a file would hold it; tests change a copy. */
export function exampleConfigFile() {
  return {
    providers: {
      openai: { adapter: 'openai', api_key_env: 'OPENAI_API_KEY' } as Record<string, unknown>,
      anthropic: { adapter: 'anthropic', api_key_env: 'ANTHROPIC_API_KEY' } as Record<string, unknown>,
      ollama: { adapter: 'ollama', base_url_env: 'OLLAMA_HOST' } as Record<string, unknown>,
    } as Record<string, Record<string, unknown>>,
    models: {
      [LOW]: exampleModel('economy', 1),
      [LOW_TWIN]: exampleModel('economy', 2),
      [MIDDLE]: exampleModel('standard', 10),
      [HIGH]: exampleModel('premium', 40, { capabilities: ['tools', 'vision', 'structured_output', 'sampling_params'] }),
      [EMBEDDER]: exampleModel('economy', 1, { ...embedder, equivalents: [EMBEDDER_TWIN] }),
      [EMBEDDER_TWIN]: exampleModel('economy', 0, { ...embedder, equivalents: [EMBEDDER] }),
    } as Record<string, Record<string, unknown>>,
    tiers: [
      { name: 'economy', accept_at: 0.8 },
      { name: 'standard', accept_at: 0.7 },
      { name: 'premium', accept_at: 'always' },
    ] as { name: string; accept_at: number | 'always' }[],
    classifier: { thresholds: [0.3, 0.7] } as Record<string, unknown>,
    rules: { translation: { tier: 'economy', prefer: [LOW_TWIN] } } as Record<string, unknown>,
    judge: { models: [MIDDLE, LOW] },
    routes: {
      default: { strategy: 'cascade', start: ['rules', 'classifier'], fallback: [MIDDLE, HIGH] } as Record<string, unknown>,
      chat: { strategy: 'classifier', fallback: [HIGH] } as Record<string, unknown>,
    } as Record<string, Record<string, unknown>>,
  };
}

export function exampleConfig(change: (file: ReturnType<typeof exampleConfigFile>) => void = () => undefined): UpshiftConfig {
  const file = exampleConfigFile();
  change(file);
  return upshiftConfig.parse(file);
}

export function requestOf(body: JobRequestBody): JobRequest {
  const parsed = parseJobRequest(body);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.request;
}

export const question = requestOf({ input: { prompt: 'Why is the sky blue?' } });

export function factsOf(config: UpshiftConfig, changes: Partial<Facts> = {}): Facts {
  return { config, health: { providersOff: {}, circuitsOpen: {} }, now: NOON, draw: 0, ...changes };
}

export function acceptedJob(config: UpshiftConfig, request: JobRequest = question): JobState {
  const job = acceptJob(request, config, { id: 'job_0a', configVersion: 'v1', seed: 0.5, now: NOON });
  return decide(job, { type: 'accepted' }, factsOf(config)).job;
}

/** What became of a job after all events, one after the other. */
export function after(job: JobState, facts: Facts, ...events: JobEvent[]): Decision {
  const inHand = (event: JobEvent, { epoch }: JobState): JobEvent => (event.type === 'sent' ? { ...event, epoch } : event);
  return events.reduce<Decision>((decision, event) => decide(decision.job, inHand(event, decision.job), facts), {
    job,
    trail: [],
    commands: [],
  });
}

export const usage: Usage = {
  inputTokens: 1000,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 100,
  reasoningTokens: 0,
};
const times = { waitMs: 1, modelMs: 2 };

export function classified(complexity: number, task: string | null = null): JobEvent {
  return { type: 'classified', classification: { task, complexity, confidence: 1, reason: 'as told' } };
}

/** The epoch is that of a job's first call, unless `after` or the caller knows better. */
export function sent(attempt: number, epoch = 2): JobEvent {
  return { type: 'sent', attempt, epoch };
}

export function answered(attempt: number, changes: Partial<Extract<JobEvent, { type: 'answered' }>> = {}): JobEvent {
  return { type: 'answered', attempt, finishReason: 'stop', usage, times, ...changes };
}

export function failed(
  attempt: number,
  code: CallErrorCode,
  changes: Partial<CallError> = {},
): Extract<JobEvent, { type: 'call-failed' }> {
  const error = {
    code,
    message: `${code} happened`,
    retryable: false,
    retryAfterMs: null,
    maybeBilled: false,
    provider: 'openai',
    status: null,
    requestId: null,
  };
  return { type: 'call-failed', attempt, error: { ...error, ...changes }, times };
}

export function judged(attempt: number, score: number, passed = true): JobEvent {
  return { type: 'judged', attempt, verdict: verdictAt(score, passed) };
}

export function verdictAt(score: number, passed = true): Verdict {
  return {
    score,
    passed,
    checks: passed ? [] : [{ type: 'json', gate: true, passed: false, score: 0, weight: 1, reason: 'not JSON' }],
  };
}

export function answerOf(text: string, changes: Partial<UnifiedResponse> = {}): UnifiedResponse {
  return { text, toolCalls: [], vectors: null, finishReason: 'stop', usage, providerRequestId: null, ...changes };
}
