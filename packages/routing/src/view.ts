import type { JobRequest, JobState, JobView, UnifiedResponse } from '@upshift/contracts';
import { isEmbedding, splitModelId } from '@upshift/contracts';

import { parseJsonAnswer } from './checks/parse-json.ts';
import { costOfJob, nanoUsdToUsd } from './cost.ts';
import { finalAttemptOf } from './live-attempts.ts';

/** A job as the API shows it, made of its record: the state, the request, and the answer that is its result. */
export function viewOf(job: JobState, request: JobRequest, answer: UnifiedResponse | null): JobView {
  const { nanoUsd, unknown } = costOfJob(job);
  return {
    id: job.id,
    object: 'job',
    revision: job.revision,
    status: job.status,
    route: job.route,
    task: job.task,
    created_at: new Date(job.createdAt).toISOString(),
    completed_at: job.completedAt === null ? null : new Date(job.completedAt).toISOString(),
    result: answer === null ? null : resultOf(job, request, answer),
    reasons: job.reasons,
    usage: usageOf(job),
    cost_usd: nanoUsdToUsd(nanoUsd),
    cost_unknown: unknown,
    attempts: job.attempts.length,
    escalations: job.escalations,
    failovers: job.failovers,
    fallbacks: job.fallbacks,
    timings_ms: timingsOf(job),
    metadata: request.metadata,
  };
}

function resultOf(job: JobState, request: JobRequest, answer: UnifiedResponse): JobView['result'] {
  const attempt = finalAttemptOf(job);
  if (attempt === null) return null;
  const format = isEmbedding(request.input) ? null : request.input.response_format;
  const wantsJson = format !== null && format.type !== 'text';
  return {
    text: answer.text,
    tool_calls: answer.toolCalls,
    json: wantsJson ? (parseJsonAnswer(answer.text) ?? null) : null,
    vectors: answer.vectors,
    model: attempt.model,
    provider: splitModelId(attempt.model).provider,
    tier: attempt.tier,
    finish_reason: answer.finishReason,
    score: attempt.score,
    degraded: job.degraded,
    refusal: attempt.outcome === 'refused',
  };
}

function usageOf(job: JobState): JobView['usage'] {
  return {
    input_tokens: job.attempts.reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0), 0),
    output_tokens: job.attempts.reduce((sum, { usage }) => sum + (usage?.outputTokens ?? 0), 0),
  };
}

function timingsOf(job: JobState): JobView['timings_ms'] {
  const model = job.attempts.reduce(
    (sum, { sentAt, settledAt }) => sum + (sentAt === null || settledAt === null ? 0 : settledAt - sentAt),
    0,
  );
  return {
    queued: job.startedAt === null ? null : job.startedAt - job.createdAt,
    model,
    total: job.completedAt === null ? null : job.completedAt - job.createdAt,
  };
}
