import type { CallError, UpshiftConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';

import type { Health } from './facts.ts';

/** How long a provider that denied the account is left alone, in ms: what is wrong there a person must mend. */
export const DENIAL_HOLDS_MS = 60_000;

/** Why no model of a provider is to be called, in words; null where one may be. That it has denied the account is among it for a while. */
export function whyOff(provider: string, { providers }: UpshiftConfig, { providersOff }: Health): string | null {
  if (providers[provider]?.enabled !== true) return 'switched off in the configuration';
  return providersOff[provider] ?? null;
}

/** What is known of providers but for denials, which pass by themselves. */
export function withoutDenials(health: Health): Health {
  const isLasting = ([provider]: [string, string]): boolean => health.providersDenied?.[provider] === undefined;
  return { ...health, providersOff: Object.fromEntries(Object.entries(health.providersOff).filter(isLasting)) };
}

/** Why a call is not made, and after how many ms it may be; null where only a person can change that. */
export type NotNow = Pick<CallError, 'code' | 'message' | 'retryAfterMs'>;

/**
 * Why a model must not be called at `now` (ms since the epoch), by what all processes have said; null where it may be. A circuit
 * whose time has passed is no reason: one call has to probe the model.
 */
export function whyNotNow(model: string, health: Health, now: number): NotNow | null {
  return providerNotNow(splitModelId(model).provider, health, now) ?? circuitNotNow(model, health, now);
}

function providerNotNow(provider: string, { providersOff, providersDenied }: Health, now: number): NotNow | null {
  const off = providersOff[provider];
  if (off === undefined) return null;
  const deniedUntil = providersDenied?.[provider];
  if (deniedUntil === undefined) return { code: 'provider_off', message: `${provider} is off: ${off}`, retryAfterMs: null };
  if (deniedUntil <= now) return null;
  return { code: 'provider_denied', message: `${provider} is left alone: ${off}`, retryAfterMs: deniedUntil - now };
}

function circuitNotNow(model: string, { circuitsOpen }: Health, now: number): NotNow | null {
  const until = circuitsOpen[model];
  if (until === undefined || until <= now) return null;
  return { code: 'circuit_open', message: `${model} failed too often and is left alone`, retryAfterMs: until - now };
}

/** When a model that is left alone for a while may be called again, in ms since the epoch; 0 for one that is not. */
export function leftAloneUntil(model: string, { circuitsOpen, providersDenied }: Health): number {
  return Math.max(circuitsOpen[model] ?? 0, providersDenied?.[splitModelId(model).provider] ?? 0);
}

/** Whether a call of a model at `now` (ms since the epoch) probes it: its circuit was open, and it has not answered since. */
export function isProbed(model: string, { circuitsOpen, circuitsProbing = [] }: Health, now: number): boolean {
  // What was read a moment ago may have lapsed meanwhile.
  return circuitsProbing.includes(model) || (circuitsOpen[model] ?? Infinity) <= now;
}
