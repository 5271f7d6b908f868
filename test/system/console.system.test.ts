import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import type { Plots } from '../../services/console/src/plots.ts';
import { CONSOLE_PASSWORD, startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const HOSTILE = '<script>alert(1)</script>';
/** Fits into no line. */
const LONG = 'w'.repeat(150);
const MARKER = 'a-prompt-that-nobody-may-see';
/** Debian's, or the one that a variable names. */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet({
    configure: ({ models }) => {
      models[`ollama/${LONG}`] = { ...models['ollama/llama3.1:8b']!, on_trial: true };
    },
    start: [
      'intake',
      'console',
      'classifier',
      'scorer',
      'steward',
      'worker-economy',
      'worker-standard',
      'worker-premium',
      'worker-fallback',
    ],
  });
});
afterAll(() => fleet?.close());

function ask(path: string, password = CONSOLE_PASSWORD): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`upshift:${password}`).toString('base64')}`;
  return fetch(fleet.url('console') + path, { headers: { authorization }, redirect: 'manual' });
}

async function textOf(path: string): Promise<string> {
  return (await ask(path)).text();
}

/** A job that runs through every tier and ends with the best answer that there was. */
function runHostileJob() {
  return fleet.api.run({
    input: { prompt: `Classify ${MARKER}` },
    task: 'classification',
    metadata: { note: HOSTILE, ['k'.repeat(64)]: LONG },
    checks: [{ type: 'regex', pattern: `never ${HOSTILE} ${LONG}` }],
  });
}

test('before the first job the overview says what to do, and shows all tiers and models', async () => {
  const page = await textOf('/');
  expect(page).toContain('No jobs yet');
  for (const name of ['economy', 'standard', 'premium', 'fallback', 'classify', 'score', 'deliver'])
    expect(page).toMatch(new RegExp(`<th scope="row">${name}`));
  for (const id of Object.keys(fleet.config().models)) expect(page).toContain(id.split('/')[1]);
});

test.each(['/', '/plots.json', '/jobs?id=x', `/jobs/job_0${'0'.repeat(30)}`, '/assets/console.js', '/queues'])(
  '%s needs a login',
  async (path) => {
    expect((await fetch(fleet.url('console') + path, { redirect: 'manual' })).status).toBe(401);
    expect((await ask(path, 'wrong password')).status).toBe(401);
  },
);

test.each(['console.js', 'charts.js', 'console.css', 'icon.svg', 'uplot.js', 'uplot.css'])(
  'the browser gets %s',
  async (name) => {
    const response = await ask(`/assets/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).not.toBe('');
  },
);

test('a job is counted, listed and told, with its prompt and answer left out', async () => {
  const job = await runHostileJob();
  expect(job).toMatchObject({ status: 'completed', result: { degraded: true } });
  const [overview, plots, page] = await Promise.all([textOf('/'), textOf('/plots.json'), textOf(`/jobs/${job.id}`)]);

  expect(overview).toContain(`href="/jobs/${job.id}"`);
  const { throughput, tiers } = JSON.parse(plots) as { throughput: { completed: number[] }; tiers: { name: string }[] };
  expect(Math.max(...throughput.completed)).toBeGreaterThanOrEqual(1);
  expect(tiers.map(({ name }) => name).slice(0, 3)).toEqual(['economy', 'standard', 'premium']);
  for (const event of ['job-accepted', 'attempt-settled', 'answer-judged', 'job-escalated', 'job-fell-back', 'job-completed'])
    expect(page).toContain(event);
  expect(page).toContain('degraded');
  for (const text of [overview, page]) expect(text).not.toContain(HOSTILE);
  for (const text of [overview, plots, page]) expect(text).not.toContain(MARKER);
  expect(page).not.toContain(job.result?.text);
});

test('the list can be had of one status', async () => {
  const job = await runHostileJob();
  expect(await textOf('/?status=completed')).toContain(job.id);
  expect(await textOf('/?status=failed')).not.toContain(job.id);
});

test('the search finds a job by its id, and says where there is none', async () => {
  const { id } = await runHostileJob();
  const found = await ask(`/jobs?id=%20${id}%20`);
  expect([found.status, found.headers.get('location')]).toEqual([303, `/jobs/${id}`]);

  for (const path of [
    '/jobs?id=',
    `/jobs?id=${encodeURIComponent(HOSTILE)}`,
    `/jobs/job_0${'0'.repeat(30)}`,
    `/jobs/${encodeURIComponent(HOSTILE)}`,
  ]) {
    const missing = await ask(path);
    const text = await missing.text();
    expect([path, missing.status]).toEqual([path, 404]);
    expect(text).toContain('No such job');
    expect(text).not.toContain(HOSTILE);
  }
});

test('an address that can not be decoded is answered without a look behind the scenes', async () => {
  const response = await ask('/jobs/%E0%A4%A');
  expect(response.status).toBe(400);
  expect(await response.text()).not.toMatch(/node_modules|\.ts:/);
});

test('own pages allow no script or style in the page; Bull Board keeps the policy that it needs', async () => {
  const policies = await Promise.all(
    ['/', '/queues'].map(async (path) => (await ask(path)).headers.get('content-security-policy')),
  );
  expect(policies[0]).toContain("script-src 'self'; style-src 'self'");
  expect(policies[1]).toContain("style-src 'self' 'unsafe-inline'");
});

test.each(['/', '/queues', '/queues/api/queues', '/assets/console.js', '/jobs/%E0%A4%A'])(
  '%s is of the type that it says, is never kept unasked, and tells no other page where it is read',
  async (path) => {
    for (const response of [await ask(path), await ask(path, 'wrong password')]) {
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-cache',
      });
      expect(response.headers.get('x-powered-by')).toBeNull();
    }
  },
);

test('while Redis is away the console says so, on the page of the queues too', async () => {
  await fleet.redis.stop();
  try {
    for (const path of ['/', '/queues']) {
      const response = await ask(path);
      const text = await response.text();
      expect([path, response.status]).toEqual([path, 503]);
      expect(text).toContain('Redis does not answer');
      expect(text).not.toContain('node_modules');
    }
  } finally {
    await fleet.redis.start();
  }
  await expect.poll(async () => (await ask('/')).status, { timeout: 15_000 }).toBe(200);
});

const hasChromium = existsSync(CHROMIUM);
if (!hasChromium)
  console.warn(`No Chromium at ${CHROMIUM}: the console is not checked in a browser. CHROMIUM names another one.`);

describe.skipIf(!hasChromium)('in Chromium', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(() => browser?.close());

  const complaints: string[] = [];
  afterEach(() => void complaints.splice(0));

  async function open(path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      httpCredentials: { username: 'upshift', password: CONSOLE_PASSWORD },
      ...options,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    await page.goto(fleet.url('console') + path, { waitUntil: 'networkidle' });
    return page;
  }

  const looks = [1440, 390, 360].flatMap((width) => (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })));

  test.each(looks)(
    'the overview fits $width px in the $colorScheme scheme, draws its plots and has nothing to complain of',
    async (look) => {
      await runHostileJob();
      const page = await open('/', { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
      expect(await page.locator('.plot canvas').count()).toBe(3);
      expect(await widthOf(page)).toBe(look.width);
      expect(await brightnessOf(page)).toBe(look.colorScheme);
      expect(complaints).toEqual([]);
    },
  );

  test('on a wide screen all columns of the models are in view, however long a name is', async () => {
    const page = await open('/', { viewport: { width: 1440, height: 900 } });
    const models = page.locator('.scroll[aria-labelledby=models-title]');
    expect(await models.evaluate((table) => table.scrollWidth - table.clientWidth)).toBe(0);
  });

  test.each(looks)('the page of a job fits $width px in the $colorScheme scheme', async (look) => {
    const { id } = await runHostileJob();
    const page = await open(`/jobs/${id}`, { viewport: { width: look.width, height: 900 }, colorScheme: look.colorScheme });
    expect(await page.locator('.trail > li').count()).toBeGreaterThan(10);
    expect(await widthOf(page)).toBe(look.width);
    expect(complaints).toEqual([]);
  });

  test('the page of an experiment with the longest name fits a narrow screen', async () => {
    const name = 'x'.repeat(64);
    const arms = ['a', 'b'].map((letter) => ({ name: letter.repeat(32), share: 0.5 }));
    const body = JSON.stringify({ kind: 'ab', name, arms });
    const made = await fleet.api.send('/v1/experiments', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(made.status).toBe(201);
    onTestFinished(async () => void (await fleet.api.send(`/v1/experiments/${name}/abort`, { method: 'POST' })));
    const page = await open(`/experiments/${name}`, { viewport: { width: 360, height: 900 } });
    expect(await widthOf(page)).toBe(360);
    expect(complaints).toEqual([]);
  });

  test('the page of the queues works under its policy', async () => {
    const page = await open('/queues');
    await page.getByText('classify').first().waitFor();
    // Those of another host are what the policy is there to refuse.
    expect(complaints.filter((text) => !text.includes('https://fonts.googleapis.com/'))).toEqual([]);
  });

  test('plots follow the scheme when it changes', async () => {
    await runHostileJob();
    const page = await open('/', { colorScheme: 'light' });
    const border = () =>
      page
        .locator('#plot-throughput .u-marker')
        .nth(1)
        .evaluate((mark) => mark.style.borderColor);
    const before = await border();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(border, { timeout: 10_000 }).not.toBe(before);
  });

  test('plots are drawn also where the address has the login in it', async () => {
    await runHostileJob();
    const page = await open('/');
    const address = Object.assign(new URL(fleet.url('console')), { username: 'upshift', password: CONSOLE_PASSWORD });
    await page.goto(address.href, { waitUntil: 'networkidle' });
    expect(await page.locator('.plot canvas').count()).toBe(3);
    expect(complaints).toEqual([]);
  });

  /** The overview with plots of two minutes that are alike. */
  async function openWith(changes: { cost?: Plots['cost']; tiers?: Plots['tiers'] }): Promise<Page> {
    const plots: Plots = {
      bucket: 1,
      at: [1_800_000_000, 1_800_000_060],
      throughput: { accepted: [1, 1], completed: [1, 1], failed: [0, 0] },
      cost: { actual: [0, 0], alone: [0, 0] },
      tiers: [],
      ...changes,
    };
    const page = await open('/');
    await page.route('**/plots.json*', (route) => route.fulfill({ json: plots }));
    await page.reload({ waitUntil: 'networkidle' });
    return page;
  }

  test('no two of many tiers look alike in their plot', async () => {
    const page = await openWith({ tiers: Array.from({ length: 16 }, (_, index) => ({ name: `t${index}`, answered: [1, 1] })) });
    const marks = await page
      .locator('#plot-tiers .u-series:not(:first-child) .u-marker')
      .evaluateAll((all) => all.map((mark) => mark.style.background));
    expect([marks.length, new Set(marks).size]).toEqual([16, 16]);
  });

  test('the plot of costs tells three digits: its axis has steps of $2.50, and of $25', async () => {
    const page = await openWith({ cost: { actual: [12.34, 12.34], alone: [125, 125] } });
    await page.locator('#plot-cost .u-over').hover();
    expect(await page.locator('#plot-cost .u-legend').textContent()).toMatch(/\$125.*\$12\.3/);
  });

  test('the page of a job goes on although somebody has clicked into its table of attempts', async () => {
    fleet.sandbox.settings.change({ hold: true });
    onTestFinished(() => fleet.sandbox.settings.change({ hold: false }));
    const { body } = await fleet.api.post({ input: { prompt: MARKER }, task: 'classification' });
    const page = await open(`/jobs/${body.id}`);
    await page.locator('[aria-labelledby=attempts-title] td').first().click();
    fleet.sandbox.settings.change({ hold: false });
    await page.locator('.trail', { hasText: 'job-completed' }).waitFor({ timeout: 15_000 });
    await page.locator('[aria-labelledby=attempts-title] table', { hasText: 'answered' }).waitFor({ timeout: 15_000 });
  });

  test('a new job appears without a reload, also where somebody has opened another one from the list', async () => {
    await runHostileJob();
    const page = await open('/');
    await page
      .locator('#job-list a')
      .first()
      .click({ modifiers: ['Control'] });
    const { id } = await runHostileJob();
    await page.locator(`a[href="/jobs/${id}"]`).waitFor({ timeout: 15_000 });
  });

  test('a page in hand says when the console hangs, and when it is gone', async () => {
    const page = await open('/');
    const stale = page.locator('#stale');
    process.kill(fleet.pid('console'), 'SIGSTOP');
    onTestFinished(async () => {
      await fleet.kill('console');
      await fleet.start('console');
    });
    await stale.waitFor({ timeout: 30_000 });
    process.kill(fleet.pid('console'), 'SIGCONT');
    await stale.waitFor({ state: 'hidden', timeout: 30_000 });

    await fleet.stop('console');
    await stale.waitFor({ timeout: 30_000 });
  });

  test('on a narrow screen the chart of savings can be read', async () => {
    // A console that has just been started has read no savings of before the first job, which it would show for a minute.
    await runHostileJob();
    const page = await open('/', { viewport: { width: 360, height: 900 } });
    expect((await page.locator('.savings text').first().boundingBox())?.height).toBeGreaterThan(9);
  });

  test('a name of a model that is longer than the chart of savings is not cut off', async () => {
    await runHostileJob();
    const page = await open('/', { viewport: { width: 1440, height: 900 } });
    const name = page.locator('.savings text').first();
    await name.evaluate((text, long) => void (text.textContent = `all premium: provider/${long}`), 'm'.repeat(60));
    await name.scrollIntoViewIfNeeded();
    const isSeenAtItsEnd = await page.evaluate(`(() => {
      const text = document.querySelector('.savings text');
      const { right, top, height } = text.getBoundingClientRect();
      return document.elementFromPoint(right - 3, top + height / 2) === text;
    })()`);
    expect(isSeenAtItsEnd).toBe(true);
  });
});

async function widthOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth');
}

async function brightnessOf(page: Page): Promise<string> {
  const colour: string = await page.evaluate('getComputedStyle(document.body).backgroundColor');
  return Number(/\d+/.exec(colour)?.[0]) > 127 ? 'light' : 'dark';
}
