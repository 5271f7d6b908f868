import { parseExperiment } from '@upshift/contracts';
import type { Experiment, ExperimentOf } from '@upshift/contracts';
import {
  addObservation,
  assign,
  canaryShare,
  chooseArms,
  command,
  differenceInterval,
  differs,
  emptyArmTally,
  evaluate,
  fateOfHeld,
  isRejected,
  meanInterval,
  newCanary,
  newEProcess,
  observe,
  tallyOf,
  thompsonShares,
} from '@upshift/routing';
import type { ActiveExperiment, ExperimentAction, CanaryState, Observation, UnitFacts } from '@upshift/routing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { outcome } from '../eval-experiments/outcome.ts';

function experimentOf<Kind extends Experiment['kind']>(kind: Kind, changes: Record<string, unknown>): ExperimentOf<Kind> {
  const parsed = parseExperiment({ kind, name: 'tried', ...changes });
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.experiment as ExperimentOf<Kind>;
}

const canary = experimentOf('canary', {
  arms: [{ name: 'stable' }, { name: 'canary' }],
  guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
  min_samples: 20,
  min_seconds: 10,
});

const shares = fc
  .array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 5 })
  .filter((list) => list.some((share) => share > 0));
const named = (list: number[]) => Object.fromEntries(list.map((share, index) => [`arm-${index}`, share]));
const counts = fc
  .tuple(fc.nat(300), fc.nat(300))
  .map(([passed, failed]) => tallyOf([...Array<number>(passed).fill(1), ...Array<number>(failed).fill(0)]));

describe('assignment', () => {
  test('gives a unit the same arm every time, with the probability of its share', () => {
    fc.assert(
      fc.property(shares, fc.string(), (list, unit) => {
        const total = list.reduce((sum, share) => sum + share, 0);
        const got = assign('tried', named(list), unit)!;
        expect(assign('tried', named(list), unit)).toEqual(got);
        expect(got.probability).toBeCloseTo(named(list)[got.arm]! / total);
      }),
    );
  });

  test('moves a unit to the arm that grew, or not at all', () => {
    fc.assert(
      fc.property(shares, fc.nat(4), fc.integer({ min: 1, max: 20 }), fc.string(), (list, index, more, unit) => {
        const grown = list.map((share, at) => (at === index % list.length ? share + more : share));
        const [before, after] = [assign('tried', named(list), unit)!.arm, assign('tried', named(grown), unit)!.arm];
        expect([before, `arm-${index % list.length}`]).toContain(after);
      }),
    );
  });

  test('gives an arm without a share nothing', () => {
    fc.assert(fc.property(fc.string(), (unit) => assign('tried', { one: 0, two: 1 }, unit)?.arm === 'two'));
    expect(assign('tried', { one: 0 }, 'unit')).toBeNull();
  });
});

describe('the arms of a job', () => {
  /** Canaries that hold or do not, and shadows, all on one route. */
  const actives = fc
    .array(fc.record({ isShadow: fc.boolean(), holds: fc.boolean(), share: fc.double({ min: 0.1, max: 0.9, noNaN: true }) }), {
      maxLength: 5,
    })
    .map((list) =>
      list.map(({ isShadow, holds, share }, index): ActiveExperiment => {
        const name = `tried-${index}`;
        if (!isShadow) return { document: { ...canary, name }, shares: { stable: 1 - share, canary: share }, holds };
        const document = experimentOf('shadow', { name, arms: [{ name: 'seen' }], share, budget_usd: 1 });
        return { document, shares: { seen: share }, holds: false };
      }),
    );
  const alone = (active: ActiveExperiment, unit: UnitFacts) => chooseArms([active], 'default', unit).arms;

  test('in each experiment are those that it would have in that one alone, unless an answer is held', () => {
    fc.assert(
      fc.property(actives, fc.string(), (list, id) => {
        const unit = { id, metadata: {} };
        const { arms, holdFor } = chooseArms(list, 'default', unit);
        const each = list.flatMap((active) => alone(active, unit));
        const taken = each.filter((one) => holdFor === null || arms.some(({ experiment }) => experiment === one.experiment));
        expect(arms).toEqual(taken);
        expect(chooseArms(list, 'other', unit)).toEqual({ arms: [], holdFor: null });
      }),
    );
  });

  test('hold an answer for one canary, of whose second arm it is, and it then stands in no shadow and in no other canary that holds', () => {
    fc.assert(
      fc.property(actives, fc.string(), (list, id) => {
        const { arms, holdFor } = chooseArms(list, 'default', { id, metadata: {} });
        const of = (name: string) => list.find(({ document }) => document.name === name)!;
        const held = arms.filter(({ experiment, arm }) => of(experiment).holds && arm === 'canary');
        expect(held.map(({ experiment }) => experiment)).toEqual(holdFor === null ? [] : [holdFor]);
        if (holdFor === null) return;
        const others = arms.filter(({ experiment }) => experiment !== holdFor).map(({ experiment }) => of(experiment));
        expect(others.filter(({ document, holds }) => holds || document.kind === 'shadow')).toEqual([]);
      }),
    );
  });
});

describe('a bet on a guardrail', () => {
  const bounds = fc.record({
    harm: fc.constantFrom('below' as const, 'above' as const),
    offset: fc.double({ min: -0.3, max: 0.3, noNaN: true }),
    slope: fc.double({ min: 0.2, max: 2, noNaN: true }),
  });

  test('is expected not to grow, in any block, wherever the arms keep the bound', () => {
    const mean = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(bounds, mean, mean, fc.nat(3), fc.nat(3), counts, (bound, stable, arm, stableCount, armCount, trained) => {
        const line = bound.offset + bound.slope * stable;
        fc.pre(bound.harm === 'below' ? arm >= line : arm <= line);
        const start = { ...newEProcess(), stable: trained };
        const expected = start.logWealths.map(() => 0);
        for (let passedStable = 0; passedStable <= stableCount; passedStable += 1) {
          for (let passedArm = 0; passedArm <= armCount; passedArm += 1) {
            const after = observe(start, bound, block(passedStable, stableCount), block(passedArm, armCount));
            const chance = binomial(passedStable, stableCount, stable) * binomial(passedArm, armCount, arm);
            after.logWealths.forEach((wealth, index) => (expected[index]! += chance * Math.exp(wealth)));
          }
        }
        expect(Math.max(...expected)).toBeLessThanOrEqual(1 + 1e-6);
      }),
      { numRuns: 500 },
    );
  });

  test('once won stays won', () => {
    const bound = { harm: 'below' as const, offset: 0, slope: 1 };
    let process = newEProcess();
    for (let index = 0; index < 20; index += 1) process = observe(process, bound, block(9, 10), block(0, 1));
    expect(isRejected(process, 0.05)).toBe(true);
    for (let index = 0; index < 200; index += 1) process = observe(process, bound, block(9, 10), block(1, 1));
    expect(isRejected(process, 0.05)).toBe(true);
  });

  function block(passed: number, count: number) {
    return { count, sum: passed, squares: passed };
  }

  function binomial(passed: number, count: number, mean: number): number {
    let ways = 1;
    for (let index = 0; index < passed; index += 1) ways *= (count - index) / (index + 1);
    return ways * mean ** passed * (1 - mean) ** (count - passed);
  }
});

describe('intervals', () => {
  test('hold the mean that was seen, and are narrower with more values', () => {
    fc.assert(
      fc.property(
        counts.filter(({ count }) => count > 0),
        (tally) => {
          const { low, high } = meanInterval(tally, 0.05);
          expect(low).toBeLessThanOrEqual(tally.sum / tally.count);
          expect(high).toBeGreaterThanOrEqual(tally.sum / tally.count);
          const more = meanInterval({ count: tally.count * 4, sum: tally.sum * 4, squares: tally.squares * 4 }, 0.05);
          expect(more.high - more.low).toBeLessThan(high - low);
        },
      ),
    );
  });

  test('of a difference leave out 0 exactly where the arms differ', () => {
    fc.assert(
      fc.property(counts, counts, (stable, arm) => {
        const { low, high } = differenceInterval(stable, arm, 0.05);
        fc.pre(Math.min(Math.abs(low), Math.abs(high)) > 1e-6);
        expect(low > 0 || high < 0).toBe(differs(stable, arm, 0.05));
      }),
    );
  });
});

describe('Thompson shares', () => {
  test('add up to one, and none is below the floor', () => {
    fc.assert(
      fc.property(
        fc.array(counts, { minLength: 2, maxLength: 4 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (list, seed) => {
          const drawn = thompsonShares(Object.fromEntries(list.map((tally, index) => [`arm-${index}`, tally])), 0.1, seed);
          expect(Object.values(drawn).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
          expect(Math.min(...Object.values(drawn))).toBeGreaterThanOrEqual(0.1 - 1e-9);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a canary', () => {
  type Turn = { jobs: [boolean, boolean][]; seconds: number; command: 'pause' | 'resume' | 'promote' | 'abort' | null };
  const turn: fc.Arbitrary<Turn> = fc.record({
    jobs: fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 30 }),
    seconds: fc.nat(20),
    command: fc.option(fc.constantFrom('pause', 'resume', 'promote', 'abort'), { freq: 10 }),
  });

  const over = ['rolled_back', 'aborted'];
  const after: Record<string, string[]> = {
    running: ['running', 'paused', 'promoted', ...over],
    paused: ['running', 'paused', 'promoted', 'aborted'],
    promoted: ['promoted', 'aborted'],
    rolled_back: ['rolled_back'],
    aborted: ['aborted'],
  };

  /** Everything that happened to a canary, state by state. */
  function play(turns: Turn[]): { states: CanaryState[]; actions: ExperimentAction[][] } {
    let now = 0;
    let tallies = { stable: emptyArmTally(1), canary: emptyArmTally(1) };
    const states = [newCanary(canary, now)];
    const actions: ExperimentAction[][] = [];
    for (const { jobs, seconds, command: name } of turns) {
      now += seconds * 1000;
      for (const [isCanary, accepted] of jobs) {
        const arm = isCanary ? 'canary' : 'stable';
        tallies = { ...tallies, [arm]: addObservation(tallies[arm], canary, outcome(accepted), 1) };
      }
      const before = states.at(-1)!;
      const decided = commanded(before, name, now) ?? evaluate(canary, before, tallies, now);
      states.push(decided.state);
      actions.push(decided.actions);
    }
    return { states, actions };
  }

  function commanded(state: CanaryState, name: Turn['command'], now: number) {
    try {
      return name && command(canary, state, name, now);
    } catch {
      return null;
    }
  }

  test('never takes a step back, and never leaves an end but by abort', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
        const { states } = play(turns);
        states.slice(1).forEach((state, index) => {
          const before = states[index]!;
          expect(state.step).toBeGreaterThanOrEqual(before.step);
          expect(after[before.status]).toContain(state.status);
        });
      }),
    );
  });

  test('sends the canary nothing unless it runs, and says of every change what became of held answers', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
        const { states, actions } = play(turns);
        actions.forEach((list, index) => {
          const [before, state] = [states[index]!, states[index + 1]!];
          expect(canaryShare(canary, state)).toBe(
            state.status === 'promoted' ? 1 : state.status === 'running' ? canary.steps[state.step]! / 100 : 0,
          );
          const types = list.map(({ type }) => type);
          const changed = before.status !== state.status || before.step !== state.step;
          expect(types.includes('announce')).toBe(changed);
          expect(types.includes('release-held')).toBe(before.step !== state.step || (changed && state.status === 'promoted'));
          const fate = fateOfHeld({ status: state.status, reason: '', promotedArm: null, canary: state, adaptive: null });
          const fates = { running: 'wait', paused: 'wait', promoted: 'release', rolled_back: 'rerun', aborted: 'rerun' };
          expect(fate).toBe(fates[state.status]);
        });
      }),
    );
  });

  test('decides the same of the same', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 10 }), (turns) => {
        expect(play(turns)).toEqual(play(turns));
      }),
    );
  });

  test('does not pass a step before its samples and its time', () => {
    const jobs = Array.from({ length: 19 }, (): [boolean, boolean] => [true, true]);
    const { states } = play([
      { jobs: [[false, true]], seconds: 0, command: null },
      { jobs: [...jobs, [false, true]], seconds: 60, command: null },
      {
        jobs: [
          [true, true],
          [false, true],
        ],
        seconds: 0,
        command: null,
      },
    ]);
    expect(states.map(({ step }) => step)).toEqual([0, 0, 0, 1]);
    expect(states[2]!.reason).toBe('step 1 of 4 (1 %): 19 of 20 jobs judged');
  });

  test('does not pass a step on outcomes that were not compared with stable ones', () => {
    const rows = (isCanary: boolean): [boolean, boolean][] => Array.from({ length: 30 }, () => [isCanary, !isCanary]);
    const { states } = play([
      { jobs: rows(true), seconds: 60, command: null },
      { jobs: rows(false), seconds: 1, command: null },
    ]);
    expect(states[1]!.reason).toBe('step 1 of 4 (1 %): 30 jobs wait to be compared with stable ones');
    expect(states[2]!.status).toBe('rolled_back');
  });

  test('that fails is rolled back with the figures in words', () => {
    const rows: Turn[] = Array.from({ length: 10 }, () => ({
      jobs: [
        [false, true],
        [false, true],
        [true, false],
      ],
      seconds: 1,
      command: null,
    }));
    const { states, actions } = play(rows);
    expect(states.at(-1)).toMatchObject({ status: 'rolled_back' });
    expect(states.at(-1)!.reason).toMatch(
      /^pass_rate is 0 of \d+ jobs on the canary and 1 of \d+ jobs on stable, more than 0\.02 lower/,
    );
    expect(actions.flat()).toEqual([{ type: 'announce', event: 'experiment.rolled_back' }]);
  });
});

test('a value that a job does not have is not counted', () => {
  const silent: Observation = { ...outcome(true), metrics: { ...outcome(true).metrics, pass_rate: null } };
  const tally = addObservation(emptyArmTally(1), canary, silent, 1);
  expect(tally).toMatchObject({ jobs: 1, metrics: {}, guardrails: [{ count: 0 }], costUsd: 0, unknownCostJobs: 1 });
});
