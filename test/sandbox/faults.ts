import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What can go wrong with a call. */
const faultKinds = [
  'rate_limit',
  'server_error',
  'overloaded',
  'auth',
  'timeout',
  'stalled_body',
  'reset',
  'malformed_json',
  'truncation',
  'refusal',
  'slow',
] as const;

const faultRule = z
  .strictObject({
    /** Book model id, "provider/*" for all of a provider, or "*" for any. */
    model: z.string().min(1),
    /** Substring of the last user message. */
    match: z.string().min(1).optional(),
    /** Share of prompts hit, 0 to 1; the same prompts each time. */
    share: z.number().min(0).max(1).optional(),
    /** How often one prompt is hit on one model; without it, always. */
    times: z.int().positive().optional(),
    kind: z.enum(faultKinds),
    /** Seconds, for the `retry-after` header. */
    retry_after_s: z.number().nonnegative().optional(),
    /** Milliseconds until the answer; `slow` is nothing else. */
    latency_ms: z.number().nonnegative().optional(),
    /** A refused call's error arrives in the middle of the stream instead of as its status. */
    in_stream: z.boolean().optional(),
  })
  .refine(({ kind, latency_ms }) => kind !== 'slow' || latency_ms !== undefined, {
    path: ['latency_ms'],
    error: 'a rule of the kind slow must have it: milliseconds until the answer',
  });

/** The rules, in order, as the control API and `--faults` take them. */
export const faultRuleList = z.array(faultRule);
export const oneFaultRule = faultRule;

export type FaultKind = (typeof faultKinds)[number];
export type FaultRule = z.output<typeof faultRule>;

type Target = { model: string; key: string; text: string };

/** A rule with the count of its hits by model and key. */
type ArmedRule = { rule: FaultRule; hits: Map<string, number> };

/** The fault rules in force. */
export class Faults {
  #armed: ArmedRule[] = [];

  constructor(rules: readonly FaultRule[] = []) {
    this.replace(rules);
  }

  get rules(): FaultRule[] {
    return this.#armed.map(({ rule }) => rule);
  }

  /** Replaces all rules and forgets all counts. */
  replace(rules: readonly FaultRule[]): void {
    this.#armed = faultRuleList.parse(rules).map((rule) => ({ rule, hits: new Map() }));
  }

  /** The newest rule comes before all others, whose counts stay. */
  prepend(rule: FaultRule): void {
    this.#armed.unshift({ rule: faultRule.parse(rule), hits: new Map() });
  }

  /** The first rule that applies and has hits left; the hit is counted. */
  take(target: Target): FaultRule | undefined {
    const armed = this.#armed.find((candidate) => applies(candidate, target));
    if (armed?.rule.times !== undefined) armed.hits.set(prompt(target), hitsOf(armed, target) + 1);
    return armed?.rule;
  }
}

function applies({ rule, hits }: ArmedRule, target: Target): boolean {
  if (!isMeant(rule.model, target.model)) return false;
  if (rule.match !== undefined && !target.text.includes(rule.match)) return false;
  if (rule.share !== undefined && draw(rule, target) >= rule.share) return false;
  return rule.times === undefined || hitsOf({ rule, hits }, target) < rule.times;
}

function isMeant(models: string, model: string): boolean {
  return models === '*' || models === model || (models.endsWith('/*') && model.startsWith(models.slice(0, -1)));
}

function prompt({ model, key }: Target): string {
  return `${model} ${key}`;
}

function hitsOf({ hits }: ArmedRule, target: Target): number {
  return hits.get(prompt(target)) ?? 0;
}

/** A number in [0, 1) from the prompt. The kind is part of it, so that rules of several kinds do not hit the same prompts. */
function draw(rule: FaultRule, target: Target): number {
  return (
    createHash('sha256')
      .update(`${rule.kind} ${prompt(target)}`)
      .digest()
      .readUInt32BE() /
    2 ** 32
  );
}
