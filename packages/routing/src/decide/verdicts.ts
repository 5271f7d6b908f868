import type { Attempt, JobState, TrailEntry, UpshiftConfig, Verdict } from '@upshift/contracts';

import { finalAttemptOf } from '../live-attempts.ts';
import { wantsVectors } from '../who-may-answer.ts';
import { mostEscalations } from './caps.ts';
import { attemptOf, detailsOf, end, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { endOfChain } from './end-of-chain.ts';
import { askTier, fallBack } from './next-attempt.ts';
import { afterRefusal, wasRefused } from './refusal.ts';

/** Accept, escalate, or fall back. */
export function judged(draft: Draft, number: number, verdict: Verdict): void {
  const { job } = draft;
  const attempt = attemptOf(job, number);
  if (job.step?.kind !== 'score' || job.step.attempt !== number) return;
  attempt.score = verdict.score;
  attempt.passed = verdict.passed;
  attempt.schemaFailed = hasFailedSchema(verdict);
  const shortfall = whyShort(draft, attempt, verdict);
  note(draft, 'answer-judged', shortfall ?? 'accepted', { ...detailsOf(attempt), score: verdict.score, checks: verdict.checks });
  if (shortfall === null) return accept(draft, attempt);
  job.reasons.push(`${attempt.model}: ${shortfall}`);
  notGoodEnough(draft, attempt, shortfall);
}

/**
 * A verdict from outside fails a delivered job: a new revision is answered as after any answer that falls short; the old
 * result stays until replaced. Refusals and vectors are not judged. An answer fails only once, and is confirmed once in each revision.
 */
export function verdictArrivedLate(draft: Draft, verdict: Verdict): void {
  const { job } = draft;
  const delivered = judgeableResult(job);
  if (delivered === null) return;
  const details = { ...detailsOf(delivered), score: verdict.score, checks: verdict.checks };
  const found = verdict.checks.map(({ reason }) => reason).join('; ');
  if (verdict.passed) return confirm(draft, delivered, found, details);
  if (delivered.passed === false) return;
  Object.assign(delivered, { score: verdict.score, passed: false });
  Object.assign(job, { revision: job.revision + 1, status: 'in_progress', completedAt: null, degraded: false, reasons: [] });
  job.deadline = deadlineAnew(draft);
  job.reopenedAt = draft.facts.now;
  note(draft, 'job-reopened', `a late verdict failed the delivered answer: ${found}`, details);
  notGoodEnough(draft, delivered, 'a late verdict failed the answer');
}

function confirm(draft: Draft, delivered: Attempt, found: string, details: Partial<TrailEntry>): void {
  const { revision } = draft.job;
  if (delivered.confirmedIn === revision) return;
  delivered.confirmedIn = revision;
  note(draft, 'answer-confirmed', found, details);
}

/** The delivered answer of a completed job where a verdict can be about it: not of vectors, refusals, or a job without a result. */
export function judgeableResult(job: JobState): Attempt | null {
  if (job.status !== 'completed' || wantsVectors(job.needs)) return null;
  const delivered = finalAttemptOf(job);
  return delivered?.outcome === 'refused' ? null : delivered;
}

/** A new revision has as long as the one before it had from its beginning: that deadline may have passed since the answer was delivered. */
function deadlineAnew({ job, facts }: Draft): number | null {
  return job.deadline === null ? null : facts.now + (job.deadline - (job.reopenedAt ?? job.createdAt));
}

function accept(draft: Draft, attempt: Attempt): void {
  draft.job.finalAttempt = attempt.number;
  draft.job.reasons = [];
  end(draft, 'completed', `accepted at ${attempt.score}`);
}

function notGoodEnough(draft: Draft, attempt: Attempt, shortfall: string): void {
  const { job, route } = draft;
  if (wasRefused(job)) return afterRefusal(draft, shortfall);
  if (job.pinnedModel !== null || attempt.tier === 'fallback' || route.strategy !== 'cascade') return fallBack(draft, shortfall);
  const above = tierAbove(draft, attempt.tier);
  if (above === null) return fallBack(draft, `${shortfall}, and no tier is above`);
  const most = mostEscalations(draft);
  if (job.escalations >= most) return endOfChain(draft, `${shortfall}, and only ${most} escalations are allowed`);
  job.escalations += 1;
  note(draft, 'job-escalated', shortfall, { tier: above });
  askTier(draft, above, shortfall);
}

/** Null where no check looked at the form. */
function hasFailedSchema({ checks }: Verdict): boolean | null {
  const ofForm = checks.filter(({ type }) => type === 'json' || type === 'json_schema');
  return ofForm.length === 0 ? null : ofForm.some(({ passed }) => !passed);
}

/** Why an answer falls short of its tier, or null where it is good enough. Gates hold everywhere, thresholds in a cascade. */
function whyShort(draft: Draft, attempt: Attempt, verdict: Verdict): string | null {
  const failed = verdict.checks.filter(({ gate, passed }) => gate && !passed).map(({ type, reason }) => `${type} (${reason})`);
  if (!verdict.passed) return `failed ${failed.join(', ') || 'a gate'}`;
  const threshold = thresholdOf(draft.job, draft.facts.config, attempt);
  if (threshold === 'always' || verdict.score >= threshold) return null;
  return `score ${verdict.score} is below ${threshold}`;
}

/** The score from which an answer of this attempt is accepted. */
export function thresholdOf(job: JobState, config: UpshiftConfig, attempt: Attempt): number | 'always' {
  const isCascade = config.routes[job.route]?.strategy === 'cascade';
  if (attempt.tier === 'fallback' || !isCascade || job.pinnedModel !== null) return 'always';
  return config.tiers.find(({ name }) => name === attempt.tier)?.accept_at ?? 'always';
}

function tierAbove({ facts }: Draft, tier: string): string | null {
  const names = facts.config.tiers.map(({ name }) => name);
  const index = names.indexOf(tier);
  return index === -1 ? null : (names[index + 1] ?? null);
}
