import type { Attempt, JobState, TrailEntry, UpshiftConfig, Usage } from '@upshift/contracts';
import { hungUntilDeadline } from '@upshift/routing';
import type { Decision } from '@upshift/routing';
import type { Metrics } from '@upshift/runtime';

/** The trail entries that end a job, with the status that they stand for. */
const endings = { 'job-completed': 'completed', 'job-failed': 'failed', 'job-cancelled': 'cancelled', 'job-expired': 'expired' };

/** A series that begins with an outage shows no increase, and alerts would miss it. */
export function countEndsFromZero({ jobsEnded }: Metrics): void {
  for (const status of Object.values(endings)) jobsEnded.inc({ status }, 0);
}

/** Counts what a decision says in the metrics of this process. */
export function measure(metrics: Metrics, decision: Decision, config: UpshiftConfig): void {
  for (const entry of decision.trail) countEntry(metrics, entry, decision, config);
}

function countEntry(metrics: Metrics, entry: TrailEntry, { job, trail }: Decision, config: UpshiftConfig): void {
  const { event, tier = '', model = '', error, score } = entry;
  // As with those that were accepted: nobody sent a shadow.
  if (event in endings && !job.experiments?.shadowOf) metrics.jobsEnded.inc({ status: endings[event as keyof typeof endings] });
  if (event === 'job-escalated') metrics.escalations.inc({ tier, reason: shortfallOf(trail) });
  if (event === 'answer-judged' && score !== undefined) metrics.verdictScore.observe({ tier }, score);
  if (event === 'attempt-settled' || event === 'attempt-failed') countCall(metrics, entry, job, config);
  if (event === 'attempt-waiting') metrics.deferrals.inc({ model, reason: error ?? 'retries' });
  if (event === 'job-failed-over') metrics.failovers.inc({ code: error ?? '' });
}

/** An attempt that ended without a call is no call that failed, nor one of 0 s. */
function countCall(
  metrics: Metrics,
  { tier = '', model = '', error, ...entry }: TrailEntry,
  job: JobState,
  config: UpshiftConfig,
): void {
  const attempt = job.attempts[(entry.attempt ?? 0) - 1];
  if (!attempt || !wasMade(attempt)) return;
  const outcome = hungUntilDeadline(job, attempt, config) ? 'deadline' : (error ?? 'answered');
  metrics.attempts.inc({ tier, model, outcome });
  metrics.costUsd.inc({ model }, entry.cost_usd ?? 0);
  metrics.callSeconds.observe({ tier, model }, (entry.model_ms ?? 0) / 1000);
  countTokens(metrics, model, attempt.usage);
}

/** These two are found after the attempt is marked as sent, and before the provider is asked. */
function wasMade({ sentAt, errorCode }: Attempt): boolean {
  return sentAt !== null && errorCode !== 'circuit_open' && errorCode !== 'provider_off';
}

/** The first gate that failed, or `score`: what the reason says in words, with few values. */
function shortfallOf(trail: TrailEntry[]): string {
  const checks = trail.flatMap((entry) => entry.checks ?? []);
  return checks.find(({ gate, passed }) => gate && !passed)?.type ?? 'score';
}

function countTokens({ tokens }: Metrics, model: string, usage: Usage | null): void {
  if (usage === null) return;
  const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = usage;
  tokens.inc({ model, type: 'input' }, Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens));
  tokens.inc({ model, type: 'cached_input' }, cachedInputTokens);
  tokens.inc({ model, type: 'cache_write' }, cacheWriteTokens);
  tokens.inc({ model, type: 'output' }, outputTokens);
}
