import { isTerminal } from '@upshift/contracts';
import type { JobEvent, JobState } from '@upshift/contracts';
import { decide } from '@upshift/routing';
import type { Decision, Facts } from '@upshift/routing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { properties } from './decide-properties.ts';
import { NOON } from './example.ts';
import { chanceOf, deepFreeze, interruption, nextOf, randomConfig, randomFacts, randomJob, SEED } from './random-jobs.ts';
import type { Chance } from './random-jobs.ts';

/** More turns than any job may take: each turn but the few interruptions moves a step, and attempts are capped at 8. */
const MOST_TURNS = 250;
const MOST_INTERRUPTIONS = 12;

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

test('whatever happens to a job, it ends, within its caps, and pays for what it says', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.gen(), (generate) => simulate(chanceOf(generate))),
    { seed: SEED, numRuns: 1500, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false },
  );
});
