import type { Attempt, CallError, CallErrorCode, CallTimes, JobEvent, TrailEntry } from '@upshift/contracts';
import { isTerminal, splitModelId } from '@upshift/contracts';

import { droppedParameters, preferencesUnder, providerOf } from '../capabilities.ts';
import { modelOf } from '../choose-model.ts';
import { costOf, nanoUsdToUsd } from '../cost.ts';
import { isForAnswer, wasLost } from '../live-attempts.ts';
import { DENIAL_HOLDS_MS } from '../not-now.ts';
import { LONGEST_WAIT_MS } from '../places.ts';
import { mayChoose, wantsVectors } from '../who-may-answer.ts';
import { attemptOf, detailsOf, end, enqueue, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { endOfChain } from './end-of-chain.ts';
import { isAwaited, rivalOf, rivalRuns } from './hedging.ts';
import { askAgain, askSameOrEquivalent, askTier, equivalentsLeft, fallBack } from './next-attempt.ts';
import { afterRefusal, wasRefused } from './refusal.ts';

type Answered = Extract<JobEvent, { type: 'answered' }>;
type CallFailed = Extract<JobEvent, { type: 'call-failed' }>;
type PlaceDenied = Extract<JobEvent, { type: 'place-denied' }>;
type RetryDeferred = Extract<JobEvent, { type: 'retry-deferred' }>;

/** How often one call is put off before another model is asked, or the job gives up. */
const MAX_WAITS = 3;
/** What to wait where a provider says only that its limit is reached. */
const USUAL_WAIT_MS = 1000;

/** What a vendor's other models are likely to suffer from too: those of other vendors are asked first. */
const ofTheVendor: readonly CallErrorCode[] = ['overloaded', 'provider_error', 'timeout', 'connection_failed'];

/** Written before the call: from here on the provider may bill. */
export function sent(draft: Draft, number: number): void {
  const { job, facts } = draft;
  const attempt = attemptOf(job, number);
  if (attempt.state !== 'claimed') return;
  attempt.state = 'sent';
  attempt.sentAt = facts.now;
  job.status = 'in_progress';
  job.startedAt ??= facts.now;
  const { model: id } = attempt;
  const dropped =
    isForAnswer(attempt) || attempt.purpose === 'sample'
      ? droppedParameters(modelOf(facts.config, id), providerOf(facts.config, id), preferencesUnder(draft.route, job.needs))
      : [];
  note(
    draft,
    'attempt-sent',
    `calling ${attempt.model}${dropped.length > 0 ? ` without ${dropped.join(', ')}, which it rejects` : ''}`,
    detailsOf(attempt),
  );
}

/** An answer came back and is paid for; whether it is good is the scorer's to say. */
export function answered(draft: Draft, event: Answered): void {
  const { job, facts } = draft;
  const attempt = attemptOf(job, event.attempt);
  settle(draft, attempt, event.finishReason === 'refusal' ? 'refused' : 'answered');
  attempt.usage = event.usage;
  attempt.costNanoUsd = costOf(event.usage, facts.config.models[attempt.model], facts.now, attempt.lane);
  note(draft, 'attempt-settled', isTerminal(job.status) ? 'arrived after the job had ended' : `finished: ${event.finishReason}`, {
    ...settledDetails(attempt),
    wait_ms: event.times.waitMs,
    model_ms: event.times.modelMs,
  });
  if (!isAwaited(job, attempt)) return;
  if (!isForAnswer(attempt)) return backTo(draft, attempt);
  if (attempt.outcome === 'refused') return afterRefusal(draft, `${attempt.model} refused by policy`);
  if (wantsVectors(job.needs)) return embedded(draft, attempt);
  enqueue(draft, { kind: 'score', attempt: attempt.number });
}

/** A call that failed: wait where the provider asks for it, else another model, never a dearer tier for its own sake. */
export function callFailed(draft: Draft, { attempt: number, error, times }: CallFailed): void {
  const attempt = attemptOf(draft.job, number);
  if (mayWait(draft, attempt, error)) return wait(draft, attempt, error);
  failed(draft, attempt, error, times);
}

/** A call that was not made, by a limit or by what is known of the model: it waits for that as one that was made, and nothing was paid. */
export function placeDenied(draft: Draft, { attempt: number, epoch, error }: PlaceDenied): void {
  const { job, facts } = draft;
  const attempt = attemptOf(job, number);
  if (attempt.state !== 'claimed') return;
  // A call waits as it was claimed: only the epoch tells that it waits already.
  const isMeant = isAwaited(job, attempt) && epoch === job.epoch;
  // A hedge that was not made in time is settled, though nobody waits for it any more.
  if (!isMeant && attempt.hedges === undefined) return;
  if (mayWait(draft, attempt, error)) wait(draft, attempt, error);
  else failed(draft, attempt, error, { waitMs: facts.now - attempt.claimedAt, modelMs: 0 });
}

/** Retries of a provider are rationed: this one comes when it has its place, as the same attempt. */
export function retryDeferred(draft: Draft, { attempt: number, waitMs }: RetryDeferred): void {
  const attempt = attemptOf(draft.job, number);
  // A hedge is of use now or not at all, and what it is made beside carries the job on.
  if (attempt.state !== 'claimed' || attempt.retryAt !== undefined || attempt.hedges !== undefined) return;
  if (!isAwaited(draft.job, attempt)) return;
  attempt.retryAt = draft.facts.now + waitMs;
  const { provider } = splitModelId(attempt.model);
  note(draft, 'attempt-waiting', `${provider} has had its share of retries; this one comes in ${waitMs} ms`, detailsOf(attempt));
  enqueue(draft, { kind: 'call', attempt: number }, waitMs);
}

function failed(draft: Draft, attempt: Attempt, error: CallError, times: CallTimes): void {
  const { job } = draft;
  settle(draft, attempt, 'failed');
  attempt.errorCode = error.code;
  attempt.state = error.maybeBilled ? 'unknown' : 'settled';
  attempt.costNanoUsd = error.maybeBilled ? null : 0;
  note(draft, 'attempt-failed', error.message, {
    ...settledDetails(attempt),
    error: error.code,
    wait_ms: times.waitMs,
    model_ms: times.modelMs,
  });
  if (!isAwaited(job, attempt)) return;
  if (!isForAnswer(attempt)) return backTo(draft, attempt);
  job.reasons.push(`${attempt.model}: ${error.message}`);
  // The other one of two may still answer.
  if (rivalRuns(job, attempt)) return;
  failOver(draft, attempt, error);
}

/** A call that helps a step has ended: the step goes on, with its answer or without. */
function backTo(draft: Draft, { judges }: Attempt): void {
  enqueue(draft, judges === null ? { kind: 'classify' } : { kind: 'score', attempt: judges.attempt });
}

function failOver(draft: Draft, attempt: Attempt, error: CallError): void {
  const { job, facts } = draft;
  const reason = `${attempt.model} failed (${error.code})`;
  if (error.code === 'invalid_request')
    return endOfChain(draft, `${reason}: the input itself was refused, so no other model is asked`);
  if (!mayChoose(job))
    return askSameOrEquivalent(draft, attempt, reason, { mayRepeat: mayRepeat(error), leastDelayMs: error.retryAfterMs ?? 0 });
  if (wasLost(attempt) && askAgain(draft, attempt, `${reason}, which says nothing of the model: it is asked once more`)) return;
  if (wasRefused(job)) return afterRefusal(draft, reason);
  if (attempt.tier === 'fallback') return fallBack(draft, reason);
  if (error.code === 'context_too_long') {
    const { context_window: window } = modelOf(facts.config, attempt.model);
    job.needs = { ...job.needs, contextTokens: Math.max(job.needs.contextTokens, window + 1) };
  }
  job.failovers += 1;
  note(draft, 'job-failed-over', reason, { tier: attempt.tier, model: attempt.model, error: error.code });
  askTier(draft, attempt.tier, reason, ofTheVendor.includes(error.code) ? splitModelId(attempt.model).provider : null);
}

/** What no repetition mends is not repeated where only one model may answer. A call that a stopping worker gave up is. */
function mayRepeat(error: CallError): boolean {
  return error.retryable || ['circuit_open', 'outcome_unknown', 'aborted'].includes(error.code);
}

/** Vectors are not judged: they are there or the call has failed. */
function embedded(draft: Draft, attempt: Attempt): void {
  draft.job.finalAttempt = attempt.number;
  end(draft, 'completed', 'the vectors are there');
}

/**
 * A limit is waited out; an open circuit, or a denial of the account, only where no other model may answer. None is a failure, and
 * none was billed.
 */
function mayWait(draft: Draft, attempt: Attempt, error: CallError): boolean {
  const { job } = draft;
  // Where a prompt is classified there is no time to wait: without this call the job goes on at once.
  if (attempt.purpose === 'classify') return false;
  // Of two calls the one that is put off has lost.
  if (rivalOf(job, attempt) !== undefined) return false;
  if (!isAwaited(job, attempt) || error.maybeBilled) return false;
  // Who judges, or gives another answer to compare with, may be somebody else.
  const alone = isForAnswer(attempt) && !mayChoose(job);
  // A place within a limit comes, if late, and nothing was called: the job waits for it until its deadline.
  if (alone && error.code === 'rate_limited' && attempt.sentAt === null) return true;
  if (attempt.waits >= MAX_WAITS) return false;
  if (error.code === 'provider_denied') return alone && mayWaitForAccount(draft, attempt, error);
  if (waitOf(error) > LONGEST_WAIT_MS) return false;
  return error.code === 'rate_limited' || (error.code === 'circuit_open' && alone);
}

/** A denial lasts longer than any limit that is waited for: it is to end before the job does, and an equivalent comes first. */
function mayWaitForAccount(draft: Draft, attempt: Attempt, error: CallError): boolean {
  const { job, facts } = draft;
  if (equivalentsLeft(draft, attempt.model).length > 0) return false;
  return job.deadline === null || facts.now + waitOf(error) < job.deadline;
}

function waitOf({ code, retryAfterMs }: CallError): number {
  // What a vendor says with a denial may be the end of the month; a person may mend it before.
  if (code === 'provider_denied') return Math.min(retryAfterMs ?? DENIAL_HOLDS_MS, DENIAL_HOLDS_MS);
  return retryAfterMs ?? USUAL_WAIT_MS;
}

/** The provider did not take the call, so the same attempt goes back to `claimed`: a limit is not a failure. */
function wait(draft: Draft, attempt: Attempt, error: CallError): void {
  const delayMs = Math.round(waitOf(error) * (1 + draft.facts.draw / 4));
  attempt.state = 'claimed';
  attempt.sentAt = null;
  attempt.waits += 1;
  note(draft, 'attempt-waiting', `${error.message}; again in ${delayMs} ms`, { ...detailsOf(attempt), error: error.code });
  enqueue(draft, { kind: 'call', attempt: attempt.number }, delayMs);
}

function settle(draft: Draft, attempt: Attempt, outcome: NonNullable<Attempt['outcome']>): void {
  attempt.state = 'settled';
  attempt.outcome = outcome;
  attempt.settledAt = draft.facts.now;
}

function settledDetails(attempt: Attempt): Partial<TrailEntry> {
  const { usage, costNanoUsd } = attempt;
  return {
    ...detailsOf(attempt),
    usage: usage && { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    cost_usd: costNanoUsd === null ? null : nanoUsdToUsd(costNanoUsd),
  };
}
