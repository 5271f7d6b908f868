import { callErrorCodes } from '@upshift/contracts';
import type { CallErrorCode, JobEvent, JobRequestBody, JobState, UpshiftConfig } from '@upshift/contracts';
import { acceptJob, callsOfStep } from '@upshift/routing';
import type { Facts } from '@upshift/routing';
import fc from 'fast-check';
import type { GeneratorValue } from 'fast-check';

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
import { runs } from './decide-properties.ts';

export interface Chance {
  upTo(most: number): number;
  oneOf<Value>(values: readonly Value[]): Value;
  happens(percent: number): boolean;
  some<Value>(values: readonly Value[]): Value[];
}

export function chanceOf(generate: GeneratorValue): Chance {
  const upTo = (most: number): number => generate(fc.nat, most);
  return {
    upTo,
    oneOf: (values) => values[upTo(values.length - 1)]!,
    happens: (percent) => upTo(99) >= 100 - percent,
    some: (values) => values.filter(() => upTo(2) === 2),
  };
}

export function randomConfig(chance: Chance): UpshiftConfig {
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
    hedge: chance.happens(50),
    ...(chance.happens(30) ? { deadline_s: 60 } : {}),
    ...(chance.happens(30) ? { cached_answers_s: 60 } : {}),
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

export function randomJob(chance: Chance, config: UpshiftConfig): JobState | null {
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

export function randomFacts(chance: Chance, config: UpshiftConfig, now: number): Facts {
  const circuitsOpen = Object.fromEntries(
    Object.keys(config.models).flatMap((id) => (chance.happens(10) ? [[id, now + 1000]] : [])),
  );
  const providersOff = Object.fromEntries(['a', 'b'].flatMap((id) => (chance.happens(5) ? [[id, 'no key']] : [])));
  const providersDenied = Object.fromEntries(
    Object.keys(providersOff).flatMap((id) => (chance.happens(50) ? [[id, now + 1000]] : [])),
  );
  const earlierAnswer = { model: 'a/one-0', tier: 'one', score: 0.5, at: now - chance.upTo(100) * 1000, answer: '{}' };
  const known = chance.happens(30) ? { earlierAnswer } : {};
  return { config, health: { providersOff, providersDenied, circuitsOpen }, now, draw: chance.upTo(99) / 100, ...known };
}

/** What the shells would say next of the step that is pending. */
export function nextOf(chance: Chance, job: JobState): JobEvent {
  const { step } = job;
  if (step === null) return { type: 'accepted' };
  if (step.kind === 'classify' && chance.happens(30)) return { type: 'classify-requested' };
  if (step.kind === 'classify') return classified(chance.upTo(100) / 100, chance.oneOf([null, 'known']));
  if (step.kind === 'call') {
    const { number, state } = chance.oneOf(callsOfStep(job, step.attempt).filter(runs));
    if (state === 'sent' && chance.happens(20)) return { type: 'hedge-due', attempt: number, afterMs: 100 };
    if (state === 'sent') return outcomeOf(chance, number);
    if (chance.happens(5)) return placeDenied(chance, number, job.epoch);
    if (chance.happens(5)) return { type: 'retry-deferred', attempt: number, waitMs: chance.upTo(3000) };
    return sent(number, job.epoch);
  }
  if (chance.happens(20)) return sampleRequested(chance, step.attempt);
  if (chance.happens(30)) return { type: 'judge-requested', attempt: step.attempt, check: chance.upTo(1) };
  return judged(step.attempt, chance.upTo(10) / 10, chance.happens(70));
}

function sampleRequested(chance: Chance, attempt: number): JobEvent {
  return { type: 'sample-requested', attempt, check: chance.upTo(1), most: 1 + chance.upTo(2), models: null, between: [0, 1] };
}

const notMade: CallErrorCode[] = ['rate_limited', 'provider_denied', 'provider_off', 'circuit_open'];

function placeDenied(chance: Chance, attempt: number, epoch: number): JobEvent {
  const { error } = failed(attempt, chance.oneOf(notMade), { retryAfterMs: chance.oneOf([null, 60_000]) });
  return { type: 'place-denied', attempt, epoch, error };
}

function outcomeOf(chance: Chance, attempt: number): JobEvent {
  if (chance.happens(50)) {
    return answered(attempt, {
      finishReason: chance.oneOf(['stop', 'length', 'tool_calls', 'refusal']),
      usage: chance.oneOf([usage, usage, null]),
    });
  }
  return failed(attempt, chance.oneOf(callErrorCodes), {
    maybeBilled: chance.happens(30),
    retryable: chance.happens(50),
    retryAfterMs: chance.oneOf([null, 100, 1_000_000]),
  });
}

export function interruption(chance: Chance, job: JobState, history: JobEvent[]): JobEvent {
  const attempt = 1 + chance.upTo(Math.max(0, job.attempts.length - 1));
  const ofAttempt: JobEvent[] =
    job.attempts.length === 0
      ? []
      : [
          outcomeOf(chance, attempt),
          sent(attempt, job.epoch - chance.upTo(1)),
          judged(attempt, chance.upTo(10) / 10),
          { type: 'judge-requested', attempt, check: 0 },
          { type: 'hedge-due', attempt, afterMs: 100 },
          placeDenied(chance, attempt, job.epoch - chance.upTo(1)),
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

export function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
  return value;
}

/** The same runs everywhere, so that a red run is a change's fault; UPSHIFT_SEED explores others. */
export const SEED = Number(process.env['UPSHIFT_SEED'] ?? 20_261_123);
