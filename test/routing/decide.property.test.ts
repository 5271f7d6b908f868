import { isDeepStrictEqual } from 'node:util';

import { callErrorCodes, isTerminal, trailEntry } from '@upshift/contracts';
import type { Attempt, JobEvent, JobRequestBody, JobState, UpshiftConfig } from '@upshift/contracts';
import { acceptJob, decide, viewOf } from '@upshift/routing';
import type { Decision, Facts } from '@upshift/routing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  answered,
  classified,
  exampleConfig,
  exampleModel,
  failed,
  judged,
  NOON,
  requestOf,
  sent,
  usage,
  verdictAt,
} from './example.ts';

/** More turns than any job may take: each turn but the few interruptions moves a step, and attempts are capped at 8. */
const MOST_TURNS = 250;
const MOST_INTERRUPTIONS = 12;

interface Chance {
  upTo(most: number): number;
  oneOf<Value>(values: readonly Value[]): Value;
  happens(percent: number): boolean;
  some<Value>(values: readonly Value[]): Value[];
}

function chanceOf(generate: fc.GeneratorValue): Chance {
  const upTo = (most: number): number => generate(fc.nat, most);
  return {
    upTo,
    oneOf: (values) => values[upTo(values.length - 1)]!,
    happens: (percent) => upTo(99) >= 100 - percent,
    some: (values) => values.filter(() => upTo(2) === 2),
  };
}

function randomConfig(chance: Chance): UpshiftConfig {
  const tiers = ['one', 'two', 'three', 'four'].slice(0, 2 + chance.upTo(2));
  const chat = tiers.flatMap((tier, level) =>
    Array.from(
      { length: 1 + chance.upTo(1) },
      (_, index) => [`${chance.oneOf(['a', 'b'])}/${tier}-${index}`, randomModel(chance, tier, level)] as const,
    ),
  );
  const spaces = ['a/space:1', 'b/space:2', 'b/other-space'];
  const ids = chat.map(([id]) => id);
  const route = () => ({
    strategy: chance.oneOf(['rules', 'classifier', 'cascade']),
    start: chance.oneOf([['rules'], ['classifier'], ['rules', 'classifier']]),
    fallback: chance.some(ids),
    on_refusal: chance.some(ids),
    max_attempts: 1 + chance.upTo(7),
    max_escalations: chance.upTo(3),
    ...(chance.happens(40) ? { cost_usd: (1 + chance.upTo(50)) / 1000 } : {}),
    ...(chance.happens(30) ? { deadline_s: 60 } : {}),
  });
  return exampleConfig((file) => {
    file.providers = { a: { adapter: 'openai' }, b: { adapter: 'anthropic' } };
    file.models = Object.fromEntries(chat);
    spaces.forEach((id, index) => {
      const equivalents = index < 2 && chance.happens(50) ? [spaces[1 - index]!] : [];
      file.models[id] = exampleModel(tiers[chance.upTo(1)]!, index, {
        capabilities: ['embedding'],
        max_output_tokens: 0,
        equivalents,
      });
    });
    file.tiers = tiers.map((name, index) => ({ name, accept_at: index === tiers.length - 1 ? 'always' : chance.upTo(10) / 10 }));
    file.classifier = { thresholds: tiers.slice(1).map((_, index) => (index + 1) / tiers.length) };
    file.rules = chance.happens(50) ? { known: { tier: chance.oneOf(tiers), prefer: chance.some(ids) } } : {};
    file.judge = { models: chance.some(ids) };
    const able = ids.filter((id) => (file.models[id]!['capabilities'] as string[]).includes('structured_output'));
    file.classifier = { ...file.classifier, llm: { models: able.length === 0 ? [] : chance.some(able) } };
    file.routes = { default: route(), other: route(), chat: route() };
  });
}

function randomModel(chance: Chance, tier: string, level: number): Record<string, unknown> {
  const price = (level + 1) * chance.upTo(5);
  return exampleModel(tier, price, {
    capabilities: chance.happens(70) ? ['tools', 'structured_output'] : ['tools', 'vision'],
    context_window: chance.oneOf([500, 20_000]),
    max_output_tokens: chance.oneOf([100, 2000]),
    prices: [{ from: chance.happens(90) ? '2026-01-01' : '2027-01-01', input: price, output: price * 4 }],
  });
}

function randomJob(chance: Chance, config: UpshiftConfig): JobState | null {
  const embedding = chance.happens(25);
  const pinnable = Object.keys(config.models).filter((id) => config.models[id]!.capabilities.includes('embedding') === embedding);
  const body: JobRequestBody = {
    input: embedding
      ? { texts: ['x'] }
      : {
          prompt: 'x'.repeat(chance.oneOf([1, 3000])),
          ...(chance.happens(30) ? { tools: [{ name: 'f', parameters: {} }] } : {}),
        },
    route: chance.oneOf(['default', 'other', 'chat']),
    task: chance.oneOf([null, 'known', 'unknown']),
    model: chance.happens(20) ? chance.oneOf(pinnable) : null,
    limits: {
      ...(chance.happens(20) ? { cost_usd: (1 + chance.upTo(20)) / 1000 } : {}),
      ...(chance.happens(20) ? { max_escalations: chance.upTo(2) } : {}),
    },
  };
  try {
    return acceptJob(requestOf(body), config, { id: 'job_0p', configVersion: 'v', seed: 0.25, now: NOON });
  } catch {
    return null; // No model of this configuration can do it: told at acceptance.
  }
}

function randomFacts(chance: Chance, config: UpshiftConfig, now: number): Facts {
  const circuitsOpen = Object.fromEntries(
    Object.keys(config.models).flatMap((id) => (chance.happens(10) ? [[id, now + 1000]] : [])),
  );
  const providersOff = Object.fromEntries(['a', 'b'].flatMap((id) => (chance.happens(5) ? [[id, 'no key']] : [])));
  return { config, health: { providersOff, circuitsOpen }, now, draw: chance.upTo(99) / 100 };
}

/** What the shells would say next of the step that is pending. */
function nextOf(chance: Chance, job: JobState): JobEvent {
  const { step } = job;
  if (step === null) return { type: 'accepted' };
  if (step.kind === 'classify' && chance.happens(30)) return { type: 'classify-requested' };
  if (step.kind === 'classify') return classified(chance.upTo(100) / 100, chance.oneOf([null, 'known']));
  if (step.kind === 'call')
    return job.attempts[step.attempt - 1]!.state === 'claimed' ? sent(step.attempt, job.epoch) : outcomeOf(chance, step.attempt);
  if (chance.happens(20)) return sampleRequested(chance, step.attempt);
  if (chance.happens(30)) return { type: 'judge-requested', attempt: step.attempt, check: chance.upTo(1) };
  return judged(step.attempt, chance.upTo(10) / 10, chance.happens(70));
}

function sampleRequested(chance: Chance, attempt: number): JobEvent {
  return { type: 'sample-requested', attempt, check: chance.upTo(1), most: 1 + chance.upTo(2), models: null, between: [0, 1] };
}

function outcomeOf(chance: Chance, attempt: number): JobEvent {
  if (chance.happens(50)) {
    return answered(attempt, {
      finishReason: chance.oneOf(['stop', 'length', 'tool_calls', 'refusal']),
      usage: chance.oneOf([usage, usage, null]),
      empty: chance.happens(10),
    });
  }
  return failed(attempt, chance.oneOf(callErrorCodes), {
    maybeBilled: chance.happens(30),
    retryable: chance.happens(50),
    retryAfterMs: chance.oneOf([null, 100, 1_000_000]),
  });
}

function interruption(chance: Chance, job: JobState, history: JobEvent[]): JobEvent {
  const attempt = 1 + chance.upTo(Math.max(0, job.attempts.length - 1));
  const ofAttempt: JobEvent[] =
    job.attempts.length === 0
      ? []
      : [
          outcomeOf(chance, attempt),
          sent(attempt, job.epoch - chance.upTo(1)),
          judged(attempt, chance.upTo(10) / 10),
          { type: 'judge-requested', attempt, check: 0 },
          sampleRequested(chance, attempt),
        ];
  return chance.oneOf<JobEvent>([
    ...ofAttempt,
    ...history.slice(-6),
    { type: 'step-lost', epoch: job.epoch, reason: 'gone' },
    { type: 'deadline-passed' },
    { type: 'classify-requested' },
    { type: 'verdict-arrived-late', revision: job.revision, verdict: verdictAt(0.1, chance.happens(30)) },
    ...(chance.happens(15)
      ? [{ type: 'cancelled' } as const, { type: 'step-crashed', epoch: job.epoch, reason: 'crashed' } as const]
      : []),
  ]);
}

function wasRefused(job: JobState): boolean {
  return job.attempts.some(({ outcome, purpose }) => outcome === 'refused' && purpose === 'answer');
}

function simulate(chance: Chance): void {
  const config = deepFreeze(randomConfig(chance));
  let job = randomJob(chance, config);
  const history: JobEvent[] = [];
  let interruptions = 0;
  let now = NOON;
  for (let turn = 0; job !== null && turn < MOST_TURNS; turn += 1) {
    const interrupted = interruptions < MOST_INTERRUPTIONS && chance.happens(isTerminal(job.status) ? 60 : 15);
    if (isTerminal(job.status) && !interrupted) return;
    if (interrupted) interruptions += 1;
    now += chance.upTo(9) * 1000;
    const event: JobEvent =
      interrupted && job.step !== null
        ? interruption(chance, job, history)
        : isTerminal(job.status)
          ? interruption(chance, job, history)
          : nextOf(chance, job);
    job = checkedDecision(job, event, randomFacts(chance, config, now)).job;
    history.push(event);
  }
  if (job !== null) throw new Error(`the job has not ended after ${MOST_TURNS} turns: ${JSON.stringify(history.slice(-10))}`);
}

function checkedDecision(before: JobState, event: JobEvent, facts: Facts): Decision {
  deepFreeze(before);
  deepFreeze(event);
  deepFreeze(facts);
  const decision = decide(before, event, facts);
  expect(decide(structuredClone(before), structuredClone(event), facts), 'the same in gives the same out').toEqual(decision);
  const about = `${event.type} ${JSON.stringify({ event, before, decision })}`;
  for (const [name, holds] of Object.entries(properties)) {
    if (!holds({ before, event, facts, after: decision.job, decision })) expect.fail(`${name}: ${about}`);
  }
  return decision;
}

interface Change {
  before: JobState;
  after: JobState;
  event: JobEvent;
  facts: Facts;
  decision: Decision;
}

const routeOf = ({ before, facts }: Change) => facts.config.routes[before.route]!;
const claims = ({ before, after }: Change): Attempt[] => after.attempts.slice(before.attempts.length);
const answerClaims = (change: Change): Attempt[] => claims(change).filter(({ purpose }) => purpose === 'answer');
const isEmbeddingJob = (job: JobState): boolean => job.needs.capabilities.includes('embedding');
const committed = (attempts: Attempt[]): number =>
  attempts.reduce((sum, attempt) => sum + (attempt.costNanoUsd ?? attempt.reservedNanoUsd), 0);
const isLossCode = (code: string | null): boolean => code === 'outcome_unknown' || code === 'aborted';
const isLoss = (event: JobEvent): boolean => event.type === 'call-failed' && isLossCode(event.error.code);
const isUnchanged = (change: Change): boolean => isDeepStrictEqual(change.before, change.after);
const levelOf = (change: Change, id: string): number =>
  change.facts.config.tiers.findIndex(({ name }) => name === change.facts.config.models[id]!.tier);

const properties: Record<string, (change: Change) => boolean> = {
  'attempts stay within the cap of the route': (change) =>
    change.after.attempts.filter(({ errorCode }) => errorCode !== 'provider_denied' && errorCode !== 'aborted').length <=
    routeOf(change).max_attempts,
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
      const { score, passed, ...money } = after.attempts[index]!;
      return (
        isDeepStrictEqual(
          { ...money, score: attempt.score, passed: attempt.passed, schemaFailed: attempt.schemaFailed },
          attempt,
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
    (event.type === 'answered' || event.type === 'call-failed' ? event.attempt === before.step.attempt : true),
  'vectors stay in one space: the same model or a declared equivalent': (change) => {
    if (!isEmbeddingJob(change.after)) return true;
    const models = change.after.attempts.map(({ model }) => model);
    return models.every(
      (model, index) =>
        index === 0 || model === models[index - 1] || change.facts.config.models[models[index - 1]!]!.equivalents.includes(model),
    );
  },
  'a model that failed is not asked again at once, but as the last of the fallback chain': (change) => {
    const [claimed] = answerClaims(change);
    if (change.before.attempts.findLast(({ purpose }) => purpose === 'answer')?.state === 'sent' && isLoss(change.event))
      return true;
    if (claimed === undefined || isEmbeddingJob(change.after) || change.after.pinnedModel !== null) return true;
    const last = change.before.attempts.findLast(({ purpose }) => purpose === 'answer');
    return last?.model !== claimed.model || claimed.tier === 'fallback';
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

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
  return value;
}

/** The same runs everywhere, so that a red run is a change's fault; UPSHIFT_SEED explores others. */
const SEED = Number(process.env['UPSHIFT_SEED'] ?? 20_261_123);

test('whatever happens to a job, it ends, within its caps, and pays for what it says', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.gen(), (generate) => simulate(chanceOf(generate))),
    { seed: SEED, numRuns: 1500, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});
