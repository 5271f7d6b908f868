import { isTerminal } from '@upshift/contracts';
import type { JobEvent, JobExperiments, JobState } from '@upshift/contracts';
import { decide, outcomeOf } from '@upshift/routing';
import type { Outcome } from '@upshift/routing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { NOON } from './example.ts';
import { chanceOf, deepFreeze, interruption, nextOf, randomConfig, randomFacts, randomJob, SEED } from './random-jobs.ts';
import type { Chance } from './random-jobs.ts';

const MOST_TURNS = 80;

const part: JobExperiments = {
  arms: [{ experiment: 'new-model', arm: 'canary', probability: 0.5 }],
  baseConfigVersion: 'base',
  holdFor: null,
  held: null,
  discardedAttempts: 0,
  shadowOf: null,
};

/** What became of a job of a canary: its states, one after the other, and what was told of its arm. */
interface Life {
  states: JobState[];
  told: Outcome[];
}

/** What steward and client do while the rest goes on. */
function disturbance(chance: Chance, job: JobState, history: JobEvent[]): JobEvent {
  const ofCanary: JobEvent[] = [{ type: 'arm-taken-back', reason: 'rolled back' }, { type: 'hold-released' }];
  return chance.happens(40) ? chance.oneOf(ofCanary) : interruption(chance, job, history);
}

function liveOf(chance: Chance): Life {
  const config = deepFreeze(randomConfig(chance));
  const accepted = randomJob(chance, config);
  const takesPart = accepted !== null && accepted.pinnedModel === null && !accepted.needs.capabilities.includes('embedding');
  if (!takesPart) return { states: [], told: [] };
  const experiments = { ...part, holdFor: chance.happens(70) ? 'new-model' : null };
  const life: Life = { states: [{ ...accepted, experiments }], told: [] };
  const history: JobEvent[] = [];
  let now = NOON;
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const before = life.states.at(-1)!;
    const rests = isTerminal(before.status) || Boolean(before.experiments?.held);
    now += chance.upTo(9) * 1000;
    const event = rests || chance.happens(15) ? disturbance(chance, before, history) : nextOf(chance, before);
    const decision = decide(before, event, randomFacts(chance, config, now));
    const outcome = outcomeOf(before, decision, now);
    life.states.push(decision.job);
    if (outcome) life.told.push(outcome);
    history.push(event);
  }
  return life;
}

const isOver = (job: JobState): boolean => isTerminal(job.status) || Boolean(job.experiments?.held);
const wasTakenBack = ({ experiments }: JobState): boolean => experiments?.arms.length === 0;

/** What holds of every such job, by its name. */
const laws: Record<string, (life: Life) => void> = {
  'what is held is shown to nobody, and has no step': ({ states }) => {
    for (const { status, experiments, finalAttempt, step } of states) {
      if (!experiments?.held) continue;
      expect({ finalAttempt, step }).toEqual({ finalAttempt: null, step: null });
      expect(isTerminal(status)).toBe(false);
    }
  },
  'who is to be held ends only as cancelled or expired': ({ states }) => {
    const ends = states.filter(({ status, experiments }) => experiments?.holdFor && isTerminal(status));
    for (const { status } of ends) expect(['cancelled', 'expired']).toContain(status);
  },
  'who was taken back runs under the base, is answered by nothing of the canary, and is held no more': ({ states }) => {
    for (const { configVersion, experiments, finalAttempt } of states.filter(wasTakenBack)) {
      const { holdFor, held, discardedAttempts } = experiments!;
      expect({ configVersion, holdFor, held }).toEqual({ configVersion: 'base', holdFor: null, held: null });
      expect(finalAttempt ?? Infinity).toBeGreaterThan(discardedAttempts);
    }
  },
  'it is told of once, unless its client cancels it before its end': ({ states, told }) => {
    const end = states.find((job) => isOver(job) || wasTakenBack(job));
    const isCounted = end !== undefined && end.status !== 'cancelled';
    expect(told.filter(({ observation }) => observation !== null)).toHaveLength(isCounted ? 1 : 0);
  },
  'a late verdict fails it for its arm once, after it was told of, and only where it met no fallback': ({ told }) => {
    const isLate = told.map(({ observation }) => observation === null);
    expect([[], [false], [false, true]]).toContainEqual(isLate);
    if (isLate.length === 2) expect(told[0]!.observation!.metFallback).toBe(false);
  },
};

test(
  'whatever happens to a job of a canary, it is held, released, answered anew and counted as is documented',
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(fc.gen(), (generate) => {
        const life = liveOf(chanceOf(generate));
        for (const law of Object.values(laws)) law(life);
      }),
      { seed: SEED, numRuns: 400, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
    );
  },
);
