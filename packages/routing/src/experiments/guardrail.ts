import { experimentMetrics } from '@upshift/contracts';
import type { Guardrail } from '@upshift/contracts';

import { newEProcess, observe } from './guardrail-bet.ts';
import type { Bound, EProcess } from './guardrail-bet.ts';
import { emptyTally, meanOf, minus } from './tally.ts';
import type { Tally } from './tally.ts';

/** Two bets per guardrail: that it is broken, and, where proof is asked, that it is kept. */
export interface GuardrailTest {
  harm: EProcess;
  proof: EProcess | null;
  stable: Tally;
  canary: Tally;
}

/** A test that has seen nothing. */
export function newGuardrailTest({ proof }: Guardrail): GuardrailTest {
  return { harm: newEProcess(), proof: proof ? newEProcess() : null, stable: emptyTally, canary: emptyTally };
}

/** The test after more jobs of both arms: the tallies are of all jobs so far. */
export function afterMore(test: GuardrailTest, guardrail: Guardrail, stable = emptyTally, canary = emptyTally): GuardrailTest {
  const [moreStable, moreCanary] = [minus(stable, test.stable), minus(canary, test.canary)];
  return {
    harm: observe(test.harm, boundOf(guardrail), moreStable, moreCanary),
    proof: test.proof && observe(test.proof, proofBoundOf(guardrail), moreStable, moreCanary),
    stable,
    canary,
  };
}

/** The line that a guardrail draws, over the mean of the stable arm, for values as they are tallied. */
function boundOf({ metric, absolute, relative, ceiling }: Guardrail): Bound {
  const harm = experimentMetrics[metric].better === 'higher' ? 'below' : 'above';
  const sign = harm === 'below' ? -1 : 1;
  if (relative !== undefined) return { harm, offset: 0, slope: Math.max(1e-3, 1 + sign * relative) };
  return { harm, offset: (sign * absolute!) / (ceiling ?? 1), slope: 1 };
}

/** The bet on the other side of the line: that the arm keeps it. */
function proofBoundOf(guardrail: Guardrail): Bound {
  const bound = boundOf(guardrail);
  return { ...bound, harm: bound.harm === 'below' ? 'above' : 'below' };
}

/** How a guardrail was broken, with the figures. */
export function inWords(guardrail: Guardrail, { stable, canary }: GuardrailTest): string {
  const { metric, absolute, relative, ceiling = 1 } = guardrail;
  const show = (tally: Tally): string => `${round((meanOf(tally) ?? 0) * ceiling)} of ${tally.count} jobs`;
  const margin = relative === undefined ? `${absolute}` : `${round(relative * 100)} %`;
  const worse = experimentMetrics[metric].better === 'higher' ? 'lower' : 'higher';
  return `${metric} is ${show(canary)} on the canary and ${show(stable)} on stable, more than ${margin} ${worse}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
