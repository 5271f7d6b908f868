import type { QueueState } from '@upshift/queues';
import { savingsOf } from '@upshift/routing';
import { expect, test } from 'vitest';

import { overviewPage } from '../../services/console/src/overview-page.ts';
import { linkTo, overviewQuery } from '../../services/console/src/overview-query.ts';
import { modelsOf, stagesOf } from '../../services/console/src/overview.ts';
import type { Overview } from '../../services/console/src/overview.ts';
import { exampleConfig, HIGH, LOW, NOON } from '../routing/example.ts';

const config = exampleConfig();
const nothingStuck = { queues: [], jobs: [] };
const healthy = { providersOff: {}, circuitsOpen: {} };

function queue(name: string, changes: Partial<QueueState> = {}): QueueState {
  return {
    cell: 0,
    queue: name,
    tier: null,
    model: null,
    waiting: 0,
    delayed: 0,
    active: 0,
    failed: 0,
    oldestWaitingMs: 0,
    ...changes,
  };
}

const quietHour = {
  completed: 0,
  failed: 0,
  expired: 0,
  costNanoUsd: 0,
  besideNanoUsd: 0,
  aloneNanoUsd: 0,
};

function pageOf(changes: Partial<Overview>): string {
  const overview: Overview = {
    now: NOON,
    cells: 1,
    stages: [],
    stuck: nothingStuck,
    models: [],
    lastHour: quietHour,
    topModel: HIGH,
    savings: savingsOf({}, config, { from: '2026-11-17', to: '2026-11-23' }),
    list: { jobs: [], hasMore: false },
    ...changes,
  };
  return overviewPage(overview, overviewQuery({})).text.replaceAll(/\s+/g, ' ');
}

/** A number of the headline with the note below it. */
function figureOf(name: string, changes: Partial<Overview>): [value: string, note: string] {
  const found = new RegExp(`<dt>${name}</dt> <dd><strong>([^<]*)</strong><span>([^<]*)</span>`).exec(pageOf(changes));
  return [found?.[1] ?? '', found?.[2] ?? ''];
}

test('tiers stand in the order of the configuration, then the fallback, then the steps; a tier that left it is still shown', () => {
  const stages = stagesOf(config, [queue('tier.gone.x', { tier: 'gone' }), queue('classify')], nothingStuck);
  expect(stages.map(({ name }) => name)).toEqual([
    'economy',
    'standard',
    'premium',
    'fallback',
    'gone',
    'classify',
    'score',
    'deliver',
  ]);
});

test('a tier has the sums of its queues and the age of the oldest entry of all of them', () => {
  const queues = [
    queue('tier.economy.a', { tier: 'economy', waiting: 2, active: 1, delayed: 3, failed: 4, oldestWaitingMs: 50 }),
    queue('tier.economy.b', { tier: 'economy', waiting: 5, oldestWaitingMs: 70 }),
    queue('tier.standard.c', { tier: 'standard', waiting: 100 }),
  ];
  expect(stagesOf(config, queues, nothingStuck)[0]).toEqual({
    name: 'economy',
    kind: 'tier',
    waiting: 7,
    active: 1,
    delayed: 3,
    failed: 4,
    oldestWaitingMs: 70,
    stuck: 0,
  });
});

test('stuck are the entries of idle queues and the jobs that no entry carries on, each at its stage', () => {
  const stages = stagesOf(config, [queue('score')], {
    queues: [{ cell: 0, queue: 'tier.premium.x', tier: 'premium', entries: 3, oldestDueMs: 90_000 }],
    jobs: [
      { id: 'job_1', queue: 'tier.premium.x', tier: 'premium', ageMs: 90_000, reason: 'gone' },
      { id: 'job_2', queue: 'score', tier: null, ageMs: 90_000, reason: 'gone' },
    ],
  });
  expect(Object.fromEntries(stages.map(({ name, stuck }) => [name, stuck]))).toMatchObject({ premium: 4, score: 1, economy: 0 });
});

test('the headline counts everything that is stuck once, a job without a next step too', () => {
  const stuck = {
    queues: [{ cell: 0, queue: 'tier.premium.x', tier: 'premium', entries: 3, oldestDueMs: 90_000 }],
    jobs: [{ id: 'job_1', queue: null, tier: 'premium', ageMs: 90_000, reason: 'it has no next step' }],
  };
  const stages = stagesOf(config, [], stuck);
  expect(stages.find(({ name }) => name === 'premium')?.stuck).toBe(4);
  expect(figureOf('Stuck', { stages, stuck })[0]).toBe('! 4');
});

test('the headline counts the jobs of a tier that bears the name of the queue of deliveries, and no deliveries', () => {
  const queues = [queue('tier.deliver.x', { tier: 'deliver', waiting: 3 }), queue('deliver', { waiting: 7 })];
  expect(figureOf('Waiting', { stages: stagesOf(config, queues, nothingStuck) })[0]).toBe('3');
});

test('what was saved in the last hour is told where it can be, and else why it can not', () => {
  const saved = (hour: Partial<typeof quietHour>) => figureOf('Saved, last hour', { lastHour: { ...quietHour, ...hour } });
  expect(saved({})).toEqual(['–', 'no answers yet']);
  const paid = { completed: 1000, costNanoUsd: 2_000_000_000 };
  expect(saved(paid)).toEqual(['–', `the price of ${HIGH} is not known, or nothing`]);
  expect(saved({ ...paid, aloneNanoUsd: 8_000_000_000 })).toEqual(['$6.00', `75% against ${HIGH}`]);
  const audited = { ...paid, costNanoUsd: 9_000_000_000, besideNanoUsd: 7_000_000_000 };
  expect(saved({ ...audited, aloneNanoUsd: 8_000_000_000 })).toEqual(['$6.00', `75% against ${HIGH}`]);
});

test('the savings bring themselves up to date, with their days, from the first job on', () => {
  const live = /<div id="savings" data-live>(.*?)<\/section>/;
  expect(live.exec(pageOf({}))?.[1]).toContain('2026-11-17 to 2026-11-23');
  expect(live.exec(pageOf({}))?.[1]).toContain('No job has ended');
  const savings = savingsOf({ default: { jobs: 1, cost: 5 } }, config, { from: '2026-11-17', to: '2026-11-23' });
  expect(live.exec(pageOf({ savings }))?.[1]).toContain('<th scope="row">default</th>');
});

test('in the chart of savings the name of a model stands above its bar', () => {
  const savings = savingsOf({ default: { jobs: 1, [`alone:${HIGH}`]: 5, cost: 4 } }, config, { from: '', to: '' });
  const [, name, , bar] = /<text x="0" y="(\d+)">(all premium: [^<]*)<\/text> <rect class="instead" x="0.0" y="(\d+)"/.exec(
    pageOf({ savings }),
  )!;
  expect(Number(name)).toBeLessThan(Number(bar));
});

test('jobs that cost nothing with any model draw bars of no length', () => {
  const savings = savingsOf({ default: { jobs: 1, [`answers:${HIGH}`]: 1, cost: 0 } }, config, { from: '', to: '' });
  const page = pageOf({ savings });
  expect(page).not.toContain('NaN');
  expect(page).toContain('<rect class="instead" x="0.0" y="15" width="0.0"');
});

test('a model has the entries of its own queue in its own tier, those put off too, and stands where its tier does', () => {
  const [tier, model] = ['economy', LOW];
  const queues = [
    queue('its own', { tier, model, waiting: 2, delayed: 3, active: 1 }),
    queue('in another cell', { cell: 1, tier, model, waiting: 10, active: 4 }),
    queue('of the tier that it left', { tier: 'premium', model, waiting: 100 }),
    queue('of another model', { tier, model: HIGH, waiting: 1000 }),
  ];
  const turned = { ...config, models: Object.fromEntries(Object.entries(config.models).toReversed()) };
  const rows = modelsOf(turned, queues, healthy, new Set());
  expect(rows.find(({ id }) => id === LOW)).toMatchObject({ waiting: 15, active: 5 });
  expect([...new Set(rows.map((row) => row.tier))]).toEqual(['economy', 'standard', 'premium']);
});

test('a provider that no live worker speaks of is not known to be on', () => {
  const states = (heard: string[], off = {}): string[] =>
    modelsOf(config, [], { ...healthy, providersOff: off }, new Set(heard))
      .filter(({ id }) => id === LOW)
      .map(({ provider }) => provider.state);
  expect([states([]), states(['openai']), states(['openai'], { openai: 'OPENAI_API_KEY is not set' })]).toEqual([
    ['unknown'],
    ['on'],
    ['off'],
  ]);
});

test('a provider that is switched off in the configuration is off, whatever workers say', () => {
  const changed = exampleConfig(({ providers }) => void (providers['openai']!['enabled'] = false));
  const model = modelsOf(changed, [], healthy, new Set(['openai'])).find(({ id }) => id === LOW);
  expect(model?.provider).toMatchObject({ state: 'off', reason: 'switched off in the configuration' });
});

test('an open circuit says until when', () => {
  const models = modelsOf(config, [], { ...healthy, circuitsOpen: { [LOW]: 5000 } }, new Set());
  expect(models.filter(({ openUntil }) => openUntil !== null)).toMatchObject([{ id: LOW, openUntil: 5000 }]);
});

test('a breaker whose model has not answered since it was open is half open', () => {
  const models = modelsOf(config, [], { ...healthy, circuitsProbing: [LOW] }, new Set());
  expect(models.filter(({ isProbing }) => isProbing)).toMatchObject([{ id: LOW, openUntil: null }]);
});

test('an address that makes no sense is the plain overview', () => {
  const plain = { range: '1h', status: null, after: null };
  expect(overviewQuery({ range: 'constructor', status: ['failed'], after: '(job' })).toEqual(plain);
  expect(overviewQuery({})).toEqual(plain);
});

test('links keep the range and the status, and leave out what is usual', () => {
  const query = overviewQuery({ range: '24h', status: 'failed', after: `job_0${'a'.repeat(30)}` });
  expect(query.after).not.toBeNull();
  expect(linkTo(query, { range: '6h' })).toBe('/?range=6h&status=failed');
  expect(linkTo(query, { range: '1h', status: null })).toBe('/');
});
