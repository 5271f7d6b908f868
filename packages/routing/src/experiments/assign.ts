import { createHash } from 'node:crypto';

import type { Assignment, Experiment } from '@upshift/contracts';

/** What of a job says to which unit it belongs. */
export interface UnitFacts {
  id: string;
  metadata: Record<string, string>;
}

/** The unit of a job; null where the job does not say it: such a job takes no part. */
export function unitOf(unit: Experiment['unit'], { id, metadata }: UnitFacts): string | null {
  if (unit === 'job') return id;
  const key = unit.startsWith('metadata.') ? unit.slice('metadata.'.length) : unit;
  return (Object.hasOwn(metadata, key) ? metadata[key] : undefined) ?? null;
}

/**
 * The arm of a unit, by weighted rendezvous hashing: every arm draws for the unit, and the arm with the best draw for its
 * share wins. The same unit always gets the same arm, and when shares change only those units move that must. The name of
 * the experiment is the salt, so that the arms of two experiments are independent.
 */
export function assign(experiment: string, shares: Record<string, number>, unit: string): Assignment | null {
  const arms = Object.entries(shares).filter(([, share]) => share > 0);
  const total = arms.reduce((sum, [, share]) => sum + share, 0);
  const drawn = arms.map(([arm, share]) => ({ arm, share, time: -Math.log(uniform(experiment, arm, unit)) / share }));
  const first = drawn.reduce<(typeof drawn)[number] | null>((best, one) => (best && best.time <= one.time ? best : one), null);
  return first && { experiment, arm: first.arm, probability: first.share / total };
}

/** A number in (0, 1) made of 52 bits of a hash, in steps too small to matter. */
function uniform(...words: string[]): number {
  const bytes = createHash('sha256').update(JSON.stringify(words)).digest();
  return (bytes.readUIntBE(0, 6) * 16 + (bytes[6]! >> 4) + 0.5) / 2 ** 52;
}
