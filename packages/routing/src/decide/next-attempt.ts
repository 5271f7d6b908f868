import type { Attempt, JobState, Needs, Purpose } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';

import { candidatesInTier, isEligible, isOffered, isUsable, modelOf, namedInTier } from '../choose-model.ts';
import { isForAnswer, liveAttempts, wasLost } from '../live-attempts.ts';
import { leftAloneUntil, withoutDenials } from '../not-now.ts';
import { mayCost, whyDenied, withinCaps } from './caps.ts';
import { detailsOf, enqueue, newAttempt, note } from './draft.ts';
import type { Draft } from './draft.ts';
import { bestAnswer, endOfChain } from './end-of-chain.ts';

/** Failed calls of one model after which a job that may use no other gives up. */
const MAX_CALLS_OF_ONE_MODEL = 4;
/** It doubles with every call, of which there are few. */
const FIRST_RETRY_MS = 500;

/** Calls of one model that may be lost by us before another one is asked: one bounded second try. */
const MAX_LOST_CALLS = 2;

/**
 * Asks the best model at or above a tier that this job has not asked yet and that its caps allow; the fallback chain where there is
 * none that it has not asked.
 *
 * @param avoid a provider whose models come last within their tier
 */
export function askTier(draft: Draft, tier: string, reason: string, avoid: string | null = null): void {
  const { tiers } = draft.facts.config;
  const from = tiers.findIndex(({ name }) => name === tier);
  let denied: Ask | undefined;
  for (const { name } of tiers.slice(Math.max(0, from))) {
    const unasked = candidatesInTier(draft.job, name, draft.facts).filter((id) => !wasAsked(draft.job, id));
    const left = lastOf(unasked, (id) => splitModelId(id).provider === avoid);
    const wanted = namedInTier(draft.job, name, draft.facts).find((id) => !wasAsked(draft.job, id));
    const isMissing = wanted !== undefined && !left.includes(wanted);
    if (isMissing) draft.job.passedOver += 1;
    const [first] = left;
    const model = left.find((id) => whyDenied(draft, { model: id }) === null);
    const missing = isMissing ? `; ${wanted} can not be asked now` : '';
    const dear = model === first ? '' : `; ${first} may cost too much`;
    if (model !== undefined) return ask(draft, { purpose: 'answer', tier: name, model }, `${reason}${missing}${dear}`);
    if (first !== undefined) denied ??= { purpose: 'answer', tier: name, model: first };
  }
  // The cap that stands against the first one is told.
  if (denied !== undefined) return ask(draft, denied, reason);
  fallBack(draft, `no model left at or above ${tier}: ${reason}`);
}

/** Asks the model of a lost call once more, where it can be and no cap stands against it. False where its second try was lost too. */
export function askAgain(draft: Draft, { tier, model }: Attempt, reason: string): boolean {
  const { job, facts } = draft;
  const lost = answersOf(job, model).filter((attempt) => attempt.tier === tier && wasLost(attempt));
  if (lost.length >= MAX_LOST_CALLS || !isUsable(model, job, facts)) return false;
  // What was lost may have been paid for: another model may be cheap enough for the rest.
  if (whyDenied(draft, { model }) !== null) return false;
  ask(draft, { purpose: 'answer', tier, model }, reason);
  return true;
}

/** Asks the next model of the fallback chain; the best answer so far, or a failure, where the chain has ended. */
export function fallBack(draft: Draft, reason: string): void {
  const { job, route, facts } = draft;
  if (job.pinnedModel !== null) return endOfChain(draft, reason);
  const tried = liveAttempts(job).flatMap(({ tier, model }) => (tier === 'fallback' ? [model] : []));
  const last = liveAttempts(job).findLast(isForAnswer)?.model;
  const left = route.fallback.filter((id) => !tried.includes(id) && isUsable(id, job, facts));
  const inOrder = lastOf(left, (id) => id === last);
  const next = withinCaps(draft, inOrder);
  if (next === undefined) return waitForModel(draft, reason);
  if (job.tier !== 'fallback') {
    job.fallbacks += 1;
    note(draft, 'job-fell-back', reason);
  }
  ask(draft, { purpose: 'answer', tier: 'fallback', model: next }, reason);
}

/**
 * The last thing before a job would end without any answer: a model that was not asked only because its circuit is open, or because its
 * provider has denied the account, is asked when that may be over. A short outage of all providers then costs a job time, not its life.
 */
function waitForModel(draft: Draft, reason: string): void {
  const { job, facts } = draft;
  if (bestAnswer(job) !== null) return endOfChain(draft, reason);
  const until = (id: string): number => leftAloneUntil(id, facts.health);
  const resting = Object.keys(facts.config.models)
    .filter((id) => until(id) > 0 && until(id) < (job.deadline ?? Infinity) && mayStepIn(id, draft))
    .filter((id) => !wasCalled(job, id) && failedCallsOf(job, id) < MAX_CALLS_OF_ONE_MODEL)
    .toSorted((one, other) => until(one) - until(other));
  const model = withinCaps(draft, resting);
  if (model === undefined) return endOfChain(draft, reason);
  const { tier } = modelOf(facts.config, model);
  const delayMs = Math.max(0, until(model) - facts.now);
  ask(draft, { purpose: 'answer', tier, model }, `${reason}; ${model} is asked when it may be called again`, delayMs);
}

/** The attempts of one model to answer the job. That it was asked about the prompt, or to judge, says nothing of these. */
function answersOf(job: JobState, id: string): Attempt[] {
  return liveAttempts(job).filter((attempt) => attempt.model === id && isForAnswer(attempt));
}

/** A call that was not made is none, and one that the provider denied says nothing of the model. */
function wasCalled(job: JobState, id: string): boolean {
  return answersOf(job, id).some(({ sentAt, errorCode }) => sentAt !== null && errorCode !== 'provider_denied');
}

/** Whether a model could answer this job but for what will pass, and is not below the tier where the job stands. */
function mayStepIn(id: string, { job, facts: now }: Draft): boolean {
  const facts = { ...now, health: withoutDenials(now.health) };
  const model = modelOf(facts.config, id);
  if (!isEligible(id, job, facts) || !isOffered(id, model, job, facts.config)) return false;
  const level = (tier: string | null): number => facts.config.tiers.findIndex(({ name }) => name === tier);
  return level(model.tier) >= level(job.tier);
}

/**
 * Asks again where only one model (or one vector space) may answer: the same model after a pause, where that may mend it, then its
 * declared equivalents.
 */
export function askSameOrEquivalent(
  draft: Draft,
  failed: Attempt,
  reason: string,
  { mayRepeat, leastDelayMs }: { mayRepeat: boolean; leastDelayMs: number },
): void {
  const { job, facts } = draft;
  const left = mayRepeat ? [failed.model, ...equivalentsOf(draft, failed.model)] : equivalentsLeft(draft, failed.model);
  const model = left.find((id) => failedCallsOf(job, id) < MAX_CALLS_OF_ONE_MODEL);
  if (model === undefined) return endOfChain(draft, reason);
  const backoff = FIRST_RETRY_MS * 2 ** (failedCallsOf(job, model) - 1);
  const delayMs = model === failed.model ? Math.max(leastDelayMs, Math.round(backoff * (0.5 + facts.draw / 2))) : 0;
  ask(draft, { purpose: 'answer', tier: modelOf(facts.config, model).tier, model }, reason, delayMs);
}

/** The declared equivalents of a model that have not failed this job yet: one that has had its calls, or none could have mended it. */
export function equivalentsLeft(draft: Draft, model: string): string[] {
  return equivalentsOf(draft, model).filter((id) => failedCallsOf(draft.job, id) === 0);
}

function equivalentsOf({ job, facts }: Draft, model: string): string[] {
  const equivalents = job.pinnedModel === null ? modelOf(facts.config, model).equivalents : [];
  return equivalents.filter((id) => isEligible(id, job, facts));
}

function failedCallsOf(job: JobState, id: string): number {
  return answersOf(job, id).filter(({ outcome }) => outcome === 'failed').length;
}

/** The same models in the same order, but some come after all others. */
function lastOf(models: string[], comesLast: (id: string) => boolean): string[] {
  return models.toSorted((a, b) => Number(comesLast(a)) - Number(comesLast(b)));
}

interface Ask {
  purpose: Purpose;
  tier: string;
  model: string;
  judges?: Attempt['judges'];
  /** Where they are not the job's own. */
  needs?: Needs;
}

/** Takes a number in the ledger and asks for the call, unless a cap stands against it. */
export function ask(draft: Draft, request: Ask, reason: string, delayMs = 0): void {
  const denied = whyDenied(draft, request);
  if (denied !== null) {
    note(draft, 'budget-denied', denied, { model: request.model, purpose: request.purpose });
    if (request.purpose === 'answer') endOfChain(draft, denied);
    return;
  }
  const attempt = claim(draft, request);
  if (request.purpose === 'answer') draft.job.tier = request.tier;
  note(draft, 'attempt-claimed', reason, detailsOf(attempt));
  enqueue(draft, { kind: 'call', attempt: attempt.number }, delayMs);
}

/** Takes the next number in the ledger. */
export function claim(draft: Draft, { purpose, tier, model, judges = null, needs }: Ask): Attempt {
  const reservedNanoUsd = mayCost(draft, { model, needs }) ?? 0;
  const attempt: Attempt = { ...newAttempt(draft, { purpose, tier, model }), reservedNanoUsd, judges };
  draft.job.attempts.push(attempt);
  return attempt;
}

/** Whether a model has had its say on this job. A call that was lost by us is none, the first time. */
export function wasAsked(job: JobState, model: string): boolean {
  const ended = answersOf(job, model).filter(({ outcome }) => outcome !== null);
  return ended.length >= MAX_LOST_CALLS || !ended.every(wasLost);
}
