import type {
  Attempt,
  JobRecording,
  JobRequest,
  JobState,
  RecordedAttempt,
  TrailEntry,
  UnifiedResponse,
  UpshiftConfig,
  Usage,
} from '@upshift/contracts';
import { DELIVERED } from '@upshift/contracts';

import { costOfJob, nanoUsdToUsd } from './cost.ts';
import { createRedactor } from './redact.ts';
import { checksOf } from './score.ts';

/** The parts of an ended job's record. */
export interface Recorded {
  job: JobState;
  request: JobRequest;
  /** By the number of the attempt. */
  answers: Map<number, UnifiedResponse>;
  trail: TrailEntry[];
  /** That of the job. */
  config: UpshiftConfig;
}

/** An ended job as a line of an answer book. Metadata and webhook stay behind: no decision reads them. */
export function recordingOf({ job, request, answers, trail, config }: Recorded, redact: string[]): JobRecording {
  const redactor = createRedactor(redact);
  const { metadata: _metadata, webhook: _webhook, input, checks, ...plain } = request;
  const texts = redactor.redact({ input, checks });
  const allChecks = checksOf(request, config, job.route);
  const rubricOf = (index: number): string => {
    const check = allChecks[index];
    return check?.type === 'llm_judge' ? redactor.redact(check.rubric) : '';
  };
  const attempts = job.attempts.map((attempt) => recordedAttempt(attempt, answers.get(attempt.number), trail, rubricOf));
  const redacted = attempts.map((attempt) => ({
    ...attempt,
    ...redactor.redact({ answer: attempt.answer, checks: attempt.checks }),
  }));
  const { nanoUsd, unknown } = costOfJob(job);
  return {
    object: 'recording',
    job: job.id,
    created_at: new Date(job.createdAt).toISOString(),
    configuration: job.configVersion,
    seed: job.seed,
    redactions: redactor.count(),
    request: { ...plain, ...texts },
    status: job.status,
    route: job.route,
    task: job.task,
    arms: armsOf(job),
    attempts: redacted,
    discarded_attempts: job.experiments?.discardedAttempts ?? 0,
    final_attempt: job.finalAttempt,
    degraded: job.degraded,
    cost_usd: nanoUsdToUsd(nanoUsd),
    cost_unknown: unknown,
    escalations: job.escalations,
    failovers: job.failovers,
    fallbacks: job.fallbacks,
  };
}

/** A shadow changes nothing of the job that it follows. */
function armsOf({ experiments }: JobState): JobRecording['arms'] {
  return (experiments?.arms ?? []).flatMap(({ experiment, arm }) => (arm === DELIVERED ? [] : [{ experiment, arm }]));
}

function recordedAttempt(
  attempt: Attempt,
  answer: UnifiedResponse | undefined,
  trail: TrailEntry[],
  rubricOf: (check: number) => string,
): RecordedAttempt {
  const { number, purpose, tier, model, outcome, errorCode, judges, usage, costNanoUsd, score, passed } = attempt;
  const lineOf = (...events: TrailEntry['event'][]): TrailEntry | undefined =>
    trail.findLast((entry) => entry.attempt === number && events.includes(entry.event));
  const lateVerdict = lineOf('answer-confirmed', 'job-reopened');
  return {
    attempt: number,
    purpose,
    tier,
    model,
    outcome,
    error: errorCode,
    judges: purpose === 'judge' && judges ? { attempt: judges.attempt, rubric: rubricOf(judges.check) } : null,
    answer: answer ? { text: answer.text, tool_calls: answer.toolCalls, finish_reason: answer.finishReason } : null,
    usage: usage && recordedUsage(usage),
    cost_usd: costNanoUsd === null ? null : nanoUsdToUsd(costNanoUsd),
    model_ms: lineOf('attempt-settled', 'attempt-failed')?.model_ms ?? null,
    score,
    passed,
    checks: lineOf('answer-judged')?.checks ?? [],
    late_verdict: lateVerdict === undefined ? null : lateVerdict.event === 'answer-confirmed',
  };
}

function recordedUsage(usage: Usage): NonNullable<RecordedAttempt['usage']> {
  return {
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
  };
}
