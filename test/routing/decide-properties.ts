import { isDeepStrictEqual } from 'node:util';

import { isTerminal, trailEntry } from '@upshift/contracts';
import type { Attempt, JobEvent, JobState } from '@upshift/contracts';
import { callsOfStep, decide, viewOf } from '@upshift/routing';
import type { Decision, Facts } from '@upshift/routing';

import { requestOf } from './example.ts';

/** A decision, with what it was made on. */
interface Change {
  before: JobState;
  after: JobState;
  event: JobEvent;
  facts: Facts;
  decision: Decision;
}

const routeOf = ({ before, facts }: Change) => facts.config.routes[before.route]!;
const counts = (attempt: Attempt): boolean =>
  attempt.errorCode !== 'provider_denied' && attempt.errorCode !== 'aborted' && isCall(attempt);
/** An earlier answer that was given is a line of the ledger, and no call. */
const isCall = ({ state, sentAt }: Attempt): boolean => state !== 'settled' || sentAt !== null;
const claims = ({ before, after }: Change): Attempt[] => after.attempts.slice(before.attempts.length).filter(isCall);
const answerClaims = (change: Change): Attempt[] => claims(change).filter(({ purpose }) => purpose === 'answer');
const isEmbeddingJob = (job: JobState): boolean => job.needs.capabilities.includes('embedding');
const committed = (attempts: Attempt[]): number =>
  attempts.reduce((sum, attempt) => sum + (attempt.costNanoUsd ?? attempt.reservedNanoUsd), 0);
const isLossCode = (code: string | null): boolean => code === 'outcome_unknown' || code === 'aborted';
const isLoss = (event: JobEvent): boolean => event.type === 'call-failed' && isLossCode(event.error.code);
const isDenial = (event: JobEvent): boolean => event.type === 'call-failed' && event.error.code === 'provider_denied';
const isUnchanged = (change: Change): boolean => isDeepStrictEqual(change.before, change.after);
const levelOf = (change: Change, id: string): number =>
  change.facts.config.tiers.findIndex(({ name }) => name === change.facts.config.models[id]!.tier);

/** What holds after every decision, by its name. */
export const properties: Record<string, (change: Change) => boolean> = {
  'attempts stay within the cap of the route': (change) =>
    change.after.attempts.filter(counts).length <= routeOf(change).max_attempts,
  'at most one call is claimed at a time': (change) => claims(change).length <= 1,
  'each claim is within the cap of money': (change) => {
    const cap = change.after.limits.costNanoUsd;
    return cap === null || claims(change).length === 0 || committed(change.after.attempts) <= cap;
  },
  'escalations stay within the caps of route and job': (change) =>
    change.after.escalations <= Math.min(routeOf(change).max_escalations, change.after.limits.maxEscalations ?? Infinity),
  'a refusal is never escalated: only a model that the route names is asked': (change) => {
    const { event, before, after } = change;
    const attempt = event.type === 'answered' ? after.attempts[event.attempt - 1] : undefined;
    if (
      attempt?.purpose !== 'answer' ||
      attempt.outcome !== 'refused' ||
      before.attempts[attempt.number - 1]?.outcome === 'refused'
    )
      return true;
    return answerClaims(change).every(({ model }) => routeOf(change).on_refusal.includes(model));
  },
  'a refusal that was delivered stays delivered': ({ before, after }) =>
    before.status !== 'completed' ||
    before.attempts[(before.finalAttempt ?? 0) - 1]?.outcome !== 'refused' ||
    after.status === 'completed',
  'an invalid input is asked of no other model': (change) => {
    const { event } = change;
    return event.type !== 'call-failed' || event.error.code !== 'invalid_request' || answerClaims(change).length === 0;
  },
  'an ended job starts no call, unless a late verdict reopens it': (change) =>
    !isTerminal(change.before.status) || change.event.type === 'verdict-arrived-late' || claims(change).length === 0,
  'a job that was not completed is never reopened': ({ before, after }) =>
    !isTerminal(before.status) || before.status === 'completed' || after.status === before.status,
  'nothing of an ended job changes but calls that were sent': (change) => {
    const { before, after, event } = change;
    if (!isTerminal(before.status) || event.type === 'verdict-arrived-late') return true;
    const settled = after.attempts.map((attempt, index) =>
      before.attempts[index]?.state === 'sent' ? before.attempts[index] : attempt,
    );
    return isDeepStrictEqual({ ...after, attempts: settled }, before) && change.decision.commands.length === 0;
  },
  'the view shows the sum of the ledger, and what is unknown as unknown': ({ after }) => {
    const view = viewOf(after, requestOf({ input: { prompt: 'x' } }), null);
    const known = after.attempts.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0), 0);
    const unknown = after.attempts.some(({ state, costNanoUsd }) => state !== 'claimed' && costNanoUsd === null);
    return Math.round(view.cost_usd * 1e9) === known && view.cost_unknown === unknown;
  },
  'what was settled, or is unknown, stays so': ({ before, after }) =>
    before.attempts.every((attempt, index) => {
      if (attempt.state === 'claimed' || attempt.state === 'sent') return true;
      const { confirmedIn: _confirmedThen, ...settled } = attempt;
      const { score, passed, confirmedIn: _confirmedNow, ...money } = after.attempts[index]!;
      return (
        isDeepStrictEqual(
          { ...money, score: attempt.score, passed: attempt.passed, schemaFailed: attempt.schemaFailed },
          settled,
        ) &&
        (score === null || passed !== null)
      );
    }),
  'a call that may have been billed is never known to be free': ({ before, event, after }) => {
    if (event.type !== 'call-failed' || !event.error.maybeBilled || before.attempts[event.attempt - 1]?.state !== 'sent')
      return true;
    const attempt = after.attempts[event.attempt - 1]!;
    return attempt.state === 'unknown' && attempt.costNanoUsd === null;
  },
  'a new step has exactly one entry and a new epoch': ({ before, after, decision }) => {
    const entries = decision.commands.flatMap((command) => (command.type === 'enqueue' ? [command.step] : []));
    if (after.epoch === before.epoch)
      return entries.length === 0 && (after.step === null || isDeepStrictEqual(after.step, before.step));
    return entries.length === 1 && after.epoch === before.epoch + 1 && isDeepStrictEqual(entries[0], after.step);
  },
  'a job waits on a step exactly while it is unfinished': ({ after }) => isTerminal(after.status) === (after.step === null),
  'a step is never taken away from a call in hand by another call': ({ before, after, event }) =>
    before.step?.kind !== 'call' ||
    after.step?.kind !== 'score' ||
    !(event.type === 'answered' || event.type === 'call-failed') ||
    callsOfStep(before, before.step.attempt).some(({ number }) => number === event.attempt),
  'vectors stay in one space: the same model or a declared equivalent': (change) => {
    if (!isEmbeddingJob(change.after)) return true;
    const models = change.after.attempts.map(({ model }) => model);
    return models.every(
      (model, index) =>
        index === 0 || model === models[index - 1] || change.facts.config.models[models[index - 1]!]!.equivalents.includes(model),
    );
  },
  'a model whose call failed is not asked again at once, but as the last of the fallback chain': (change) => {
    const [claimed] = answerClaims(change);
    if (change.before.attempts.findLast(({ purpose }) => purpose === 'answer')?.state === 'sent' && isLoss(change.event))
      return true;
    if (claimed === undefined || isEmbeddingJob(change.after) || change.after.pinnedModel !== null) return true;
    const last = change.before.attempts.findLast(({ purpose }) => purpose === 'answer');
    // What was not called by what was known of its model, or was denied, may be called when that may be over; what was lost, after the call that was made beside it.
    if (isDenial(change.event) && change.decision.commands.some((command) => command.type === 'enqueue' && command.delayMs > 0))
      return true;
    return last?.model !== claimed.model || claimed.tier === 'fallback' || last.sentAt === null || isLossCode(last.errorCode);
  },
  'a model whose call we lost is asked once more in its tier, and no third time': ({ after }) => {
    if (isEmbeddingJob(after) || after.pinnedModel !== null) return true;
    const lost = after.attempts.filter(({ purpose, errorCode }) => purpose === 'answer' && isLossCode(errorCode));
    return lost.every(
      (one) =>
        lost.filter(({ model, tier }) => model === one.model && tier === one.tier).length <=
        (one.tier === 'fallback' || wasRefused(after) ? 3 : 2),
    );
  },
  'what an overtaken entry sends is not sent': ({ before, after, event }) =>
    event.type !== 'sent' || event.epoch === before.epoch || isDeepStrictEqual(before, after),
  'an earlier answer is given only where the route allows it, not too old, once, degraded, for nothing, and not after a refusal':
    (change) => {
      const given = change.after.attempts.slice(change.before.attempts.length).find((attempt) => !isCall(attempt));
      if (given === undefined) return true;
      const { before, after, facts, decision } = change;
      return (
        facts.now - facts.earlierAnswer!.at <= routeOf(change).cached_answers_s! * 1000 &&
        before.attempts.every((attempt) => isCall(attempt) || attempt.outcome === 'failed') &&
        !wasRefused(before) &&
        given.costNanoUsd === 0 &&
        after.finalAttempt === given.number &&
        after.degraded &&
        decision.commands.some(({ type }) => type === 'store-answer')
      );
    },
  'a hedge is made once beside a call, of a sibling, where the route wants it, and by its own number alone': (change) => {
    const hedge = claims(change).find(({ purpose }) => purpose === 'hedge');
    if (hedge === undefined) return true;
    const { before, after, facts } = change;
    const beside = before.attempts[hedge.hedges! - 1]!;
    return (
      routeOf(change).hedge &&
      beside.state === 'sent' &&
      beside.model !== hedge.model &&
      facts.config.models[hedge.model]!.tier === beside.tier &&
      before.attempts.every(({ hedges }) => hedges !== beside.number) &&
      after.pinnedModel === null &&
      after.epoch === before.epoch
    );
  },
  'a call that fails while the other of two runs leaves the job to it': ({ before, after, event }) => {
    if (event.type !== 'call-failed' || before.step?.kind !== 'call') return true;
    const both = callsOfStep(before, before.step.attempt);
    const other = both.find(({ number }) => number !== event.attempt);
    if (!both.some(({ number }) => number === event.attempt) || other === undefined || !runs(other)) return true;
    return isDeepStrictEqual(after.step, before.step) && after.attempts.length === before.attempts.length;
  },
  'a pinned job asks its model alone': (change) =>
    change.after.pinnedModel === null || answerClaims(change).every(({ model }) => model === change.after.pinnedModel),
  'each line of the trail fits its schema': ({ decision }) =>
    decision.trail.every((entry) => trailEntry.safeParse(entry).success),
  'a failed call never skips a tier that still has a model': (change) => {
    const [claimed] = answerClaims(change);
    const { event } = change;
    if (event.type !== 'call-failed' || claimed === undefined || claimed.tier === 'fallback') return true;
    if (wasRefused(change.before)) return true; // The route's own order, below.
    const { model: failedModel, tier } = change.before.attempts[event.attempt - 1]!;
    if (tier === 'fallback') return true; // The last resort may be any model.
    return isEmbeddingJob(change.after) || levelOf(change, claimed.model) >= levelOf(change, failedModel);
  },
  'after a refusal only the models that the route names for it are asked': (change) =>
    !wasRefused(change.before) ||
    answerClaims(change).every(({ model }) => change.facts.config.routes[change.before.route]!.on_refusal.includes(model)),
  'the same event again does nothing': ({ event, facts, after }) => decide(after, event, facts).commands.length === 0,
  'what gives no trail and no command changes nothing': (change) =>
    change.decision.trail.length + change.decision.commands.length > 0 || isUnchanged(change),
};

function wasRefused(job: JobState): boolean {
  return job.attempts.some(({ outcome, purpose }) => outcome === 'refused' && (purpose === 'answer' || purpose === 'hedge'));
}

export const runs = ({ state }: Attempt): boolean => state === 'claimed' || state === 'sent';
