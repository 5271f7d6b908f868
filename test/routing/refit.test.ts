import type { GateLabel } from '@upshift/contracts';
import { bareFacts, classifierOf, draw, questionsOfAnswers, questionsOfLabels, refitClassifier } from '@upshift/routing';
import type { GainedQuestion } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

import { seenOf } from '../../packages/routing/src/classifier/trained.ts';
import { acceptedJob, after, classified, exampleConfig, factsOf, requestOf } from './example.ts';

const tiers = ['economy', 'standard', 'premium'];
const { signals, complexity } = seenOf(bareFacts('Why is the sky blue?'));

function label(changes: Partial<GateLabel>): GateLabel {
  return {
    at: '2026-11-23T12:00:00.000Z',
    job: 'job_0',
    route: 'default',
    task: null,
    tier: 'economy',
    model: 'openai/low',
    passed: true,
    source: 'gate',
    propensity: 1,
    complexity,
    signals,
    ...changes,
  };
}

describe('what labels say of a question', () => {
  test.each<[string, Partial<GateLabel>[], boolean | null]>([
    ['the lowest tier suffices', [{}], false],
    ['a higher one gains', [{ passed: false }, { tier: 'standard' }], true],
    ['nobody can', [{ passed: false }, { tier: 'standard', passed: false }, { tier: 'premium', passed: false }], false],
    ['it was given up, of which nothing is known', [{ passed: false }], null],
    ['it started higher, of which nothing is known', [{ tier: 'premium' }], null],
    ['somebody knows better than the gate', [{}, { source: 'late', passed: false }, { tier: 'standard' }], true],
    ['an audit knows better than the gate', [{ source: 'audit', passed: false }, {}, { tier: 'premium', source: 'audit' }], true],
    [
      'the later of two verdicts holds, in whatever order they come',
      [{ source: 'late', passed: false, at: '2026-11-24T12:00:00.000Z' }, { source: 'late' }, { tier: 'standard' }],
      true,
    ],
    ['it was made under other signals', [{ signals: [1] }], null],
  ])('%s', (_what, labels, gained) => {
    const found = questionsOfLabels(labels.map(label), tiers);
    expect(found.map((question) => question.gained)).toEqual(gained === null ? [] : [gained]);
  });

  test('one that was tried low by chance stands for all that were not', () => {
    expect(questionsOfLabels([label({ propensity: 0.05 })], tiers)[0]?.weight).toBe(20);
  });

  test('answers that somebody has looked at say the same, with the prompt at hand', () => {
    const line = { question_id: 7, prompt: 'Why is the sky blue?', answer: '…' };
    const lines = [
      { ...line, tier: 'economy', ok: 0 as const },
      { ...line, tier: 'premium', ok: true },
    ];
    expect(questionsOfAnswers(lines, tiers)).toEqual([{ id: '7', complexity, signals, gained: true, weight: 1 }]);
  });
});

/** Questions on which stronger tiers gain by a rule that the shipped classifier does not know, with some luck in it. */
function questions(count: number): GainedQuestion[] {
  return Array.from({ length: count }, (_, index) => {
    const quoted = draw(0.1, index) < 0.5;
    const prompt = quoted ? `Turn "this" and "that" into verse no ${index}.` : `Turn this and that into verse no ${index}.`;
    return { id: `q${index}`, ...seenOf(bareFacts(prompt)), gained: draw(0.2, index) < (quoted ? 0.8 : 0.1), weight: 1 };
  });
}

describe('training', () => {
  test('learns what the user’s own prompts show, and gives the same for the same questions in any order', () => {
    const refitted = refitClassifier(questions(200), null);
    expect(refitted.isBetter).toBe(true);
    expect(Math.abs(refitted.after.bias)).toBeLessThan(Math.abs(refitted.before.bias));
    expect(JSON.stringify(refitClassifier(questions(200).toReversed(), null))).toBe(JSON.stringify(refitted));
    const fitted = classifierOf('trained', refitted.profile);
    const of = (prompt: string): number => fitted(bareFacts(prompt)).complexity;
    expect(of('Turn "this" and "that" into verse no 7.')).toBeGreaterThan(of('Turn this and that into verse no 7.') + 0.3);
  });

  test('does not take what is worse on questions that it has not seen', () => {
    const good = refitClassifier(questions(200), null).profile;
    expect(refitClassifier(questions(120), good).isBetter).toBe(false);
  });

  test('finds what fits best however far that is from the shipped weights', () => {
    const sure = questions(400).map((question, index) => ({
      ...question,
      complexity: 0.98,
      gained: index % 10 === 0,
      weight: 50,
    }));
    const { before, after, isBetter } = refitClassifier(sure, null);
    expect(isBetter).toBe(true);
    expect(before.bias).toBeGreaterThan(0.8);
    expect(Math.abs(after.bias)).toBeLessThan(0.1);
  });

  test('says what is missing', () => {
    expect(() => refitClassifier(questions(8), null)).toThrow(/at least 10 of either kind/);
    expect(() =>
      refitClassifier(
        questions(200).map((question) => ({ ...question, gained: false })),
        null,
      ),
    ).toThrow(/on 0 of which/);
  });
});

describe('a part of the jobs that would start higher', () => {
  const exploring = factsOf(exampleConfig((file) => (file.routes['default']!['explore'] = 0.25)));
  const start = (seed: number, complexity: number, body = {}) => {
    const job = { ...acceptedJob(exploring.config, requestOf({ input: { prompt: 'x' }, ...body })), seed };
    return after(job, exploring, classified(complexity));
  };
  const seeds = Array.from({ length: 400 }, (_, index) => draw(0.5, index));

  test('starts low by chance, as often as the route says, with that probability in the record and the trail', () => {
    const low = seeds.map((seed) => start(seed, 0.9)).filter(({ job }) => job.tier === 'economy');
    expect(low.length / seeds.length).toBeGreaterThan(0.19);
    expect(low.length / seeds.length).toBeLessThan(0.31);
    expect(low.every(({ job }) => job.classification?.propensity === 0.25)).toBe(true);
    expect(low[0]!.trail[0]).toMatchObject({ event: 'job-classified', tier: 'economy', propensity: 0.25 });
    const high = seeds.map((seed) => start(seed, 0.9)).find(({ job }) => job.tier === 'premium')!;
    expect(high.job.classification?.propensity).toBe(0.75);
  });

  test('is none of those that start low anyway, or may use one model only', () => {
    for (const seed of seeds.slice(0, 50)) {
      expect(start(seed, 0.1).job.classification?.propensity).toBeUndefined();
      expect(start(seed, 0.9, { model: 'anthropic/high' }).job.tier).toBe('premium');
      expect(start(seed, 0.9, { route: 'chat' }).job.tier).toBe('premium');
      // From there it could not be shifted up as far.
      expect(start(seed, 0.9, { limits: { max_escalations: 1 } }).job.tier).toBe('premium');
    }
  });
});
