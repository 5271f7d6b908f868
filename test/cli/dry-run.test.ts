import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'services/cli/src/main.ts');

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'upshift-dry-run-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Ran {
  code: number;
  out: string;
  errors: string;
}

/** Prices a file with the project's own configuration and no provider key, as a user does. */
async function dryRun(name: string, text: string, ...args: string[]): Promise<Ran> {
  const file = join(directory, name);
  await writeFile(file, text);
  return upshift(process.execPath, [main, 'run', file, '--dry-run', ...args]);
}

/** Reads the text from a pipe, as the shell makes them. */
function runPipe(text: string, ...args: string[]): Promise<Ran> {
  const script = 'text=$1; shift; printf %s "$text" | "$@"';
  return upshift('/bin/sh', ['-c', script, 'sh', text, process.execPath, main, 'run', '/dev/stdin', ...args]);
}

function upshift(program: string, args: string[], variables: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd: root, env: { PATH: process.env['PATH'], ...variables } }, (error, out, errors) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, errors }),
    );
  });
}

interface Estimates {
  starts: { tier: string; model: string; jobs: number; input_tokens: number; cost_usd: number; cost_escalated_usd: number }[];
  total: { jobs: number; cost_usd: number; cost_escalated_usd: number };
  refused: { line: number; error: string }[];
}

test('a row may name its own idempotency key, which must be one', async () => {
  const rows = ['mine', 7].map((idempotency_key) => JSON.stringify({ input: { prompt: 'x' }, idempotency_key }));
  const { out } = await dryRun('keys.jsonl', rows.join('\n'), '--json');
  const { total, refused } = JSON.parse(out) as Estimates;
  expect(total.jobs).toBe(1);
  expect(refused).toEqual([{ line: 2, error: expect.stringContaining('idempotency_key') }]);
});

test('a file is priced by where its rows start, and bad rows are named', async () => {
  const pinned = { input: { prompt: 'x'.repeat(4000) }, model: 'anthropic/claude-opus-5-5' };
  const text = `${JSON.stringify(pinned)}\n"What is the capital of France?"\n{"input": {}}\n{"input": {"prompt": "x"}, "route": "nowhere"}\n`;
  const { code, out } = await dryRun('rows.jsonl', text, '--json', '--output-tokens', '1000');
  const { starts, total, refused } = JSON.parse(out) as Estimates;
  expect(code).toBe(1);
  expect(refused.map(({ line }) => line)).toEqual([3, 4]);
  expect(refused[1]?.error).toContain('no route nowhere');
  const priced = starts.find(({ model }) => model === pinned.model);
  // 1,001 tokens in (the role counts too) at 4 USD and 1,000 out at 20 USD per million; a pinned job stays where it is.
  expect(priced).toMatchObject({
    tier: 'premium',
    jobs: 1,
    input_tokens: 1001,
    cost_usd: 0.024_004,
    cost_escalated_usd: 0.024_004,
  });
  expect(starts.find(({ tier }) => tier === 'economy')?.cost_escalated_usd).toBeGreaterThan(0);
  expect(total.jobs).toBe(2);
  expect(total.cost_escalated_usd).toBeGreaterThan(total.cost_usd);
});

test('a row whose model’s provider is off is refused, as intake refuses it', async () => {
  const file = join(directory, 'off.jsonl');
  await writeFile(file, JSON.stringify({ input: { prompt: 'x' }, model: 'anthropic/claude-opus-5-5' }));
  const { code, out } = await upshift(process.execPath, [main, 'run', file, '--dry-run', '--json'], { OPENAI_API_KEY: 'sk' });
  const { total, refused } = JSON.parse(out) as Estimates;
  expect({ code, jobs: total.jobs }).toEqual({ code: 1, jobs: 0 });
  expect(refused).toEqual([{ line: 1, error: expect.stringContaining('ANTHROPIC_API_KEY is not set') }]);
});

test('where nobody has given a key, that each provider is taken to have one is said beside the price', async () => {
  const note = 'No provider has a key here';
  expect((await dryRun('no-key.jsonl', '"one"')).out).toContain(note);
  const file = join(directory, 'no-key.jsonl');
  const withKey = await upshift(process.execPath, [main, 'run', file, '--dry-run'], { OPENAI_API_KEY: 'sk' });
  expect(withKey).toMatchObject({ code: 0, out: expect.not.stringContaining(note) as string });
});

test('a column of a CSV file holds the prompts, line breaks within quotes included', async () => {
  const text = 'id,text\n1,"first\nstill first"\n2,second\n3,\n';
  const { code, out } = await dryRun('rows.csv', text, '--column', 'text', '--system', 'Be brief.', '--json');
  const { total, refused } = JSON.parse(out) as Estimates;
  expect(code).toBe(1);
  expect(total.jobs).toBe(2);
  expect(refused).toEqual([{ line: 5, error: 'column text is empty; a prompt was expected' }]);
});

test('a CSV file without a column, with an unknown one, or torn, is refused with what would be right', async () => {
  const text = 'id,text\n1,one\n';
  expect(await dryRun('a.csv', text)).toMatchObject({ code: 2, errors: expect.stringContaining('--column NAME') as string });
  const unknown = await dryRun('a.csv', text, '--column', 'prompt');
  expect(unknown).toMatchObject({ code: 2, errors: expect.stringContaining('it has id, text') as string });
  const torn = await dryRun('a.csv', 'id,text\n1,"never closed\n2,two\n', '--column', 'text');
  expect(torn).toMatchObject({ code: 2, errors: expect.stringContaining('can not be read as CSV') as string });
});

test('a pipe is priced, of CSV too, and refused where it would have to be read again', async () => {
  const csv = 'id,text\n1,one\n2,two\n';
  for (const [text, ...args] of [
    [csv, '--column', 'text'],
    ['"one"\n"two"\n', '--task', 'chat'],
  ] as const) {
    const { out } = await runPipe(text, '--dry-run', '--json', ...args);
    expect((JSON.parse(out) as Estimates).total.jobs).toBe(2);
  }
  const refused = await runPipe(csv, '--column', 'text', '--out', join(directory, 'pipe.jsonl'));
  expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining('/dev/stdin is a pipe') as string });
});

test('what the route adds to the input, allows of an answer and names in a tier is priced, and no model on trial', async () => {
  const [file, config] = [join(directory, 'chat.jsonl'), join(directory, 'config.yaml')];
  const shipped = await readFile(join(root, 'upshift.config.yaml'), 'utf8');
  const added = `
  tickets:
    strategy: cascade
    start: [rules]
    system_prompt: ${'x'.repeat(4000)}
    parameters: { max_output_tokens: 100 }
    models: { standard: [anthropic/claude-sonnet-5-5] }
    fallback: []
`;
  const onTrial =
    '\n  anthropic/claude-opus-6:\n    tier: premium\n    on_trial: true\n    capabilities: [streaming]\n    context_window: 1000\n    max_output_tokens: 1000\n    prices: [{ from: 2026-09-01, input: 900, output: 900 }]';
  await writeFile(config, shipped.replace('\nroutes:', `\nroutes:${added}`).replace('\nmodels:', `\nmodels:${onTrial}`));
  await writeFile(file, JSON.stringify({ input: { prompt: 'x'.repeat(4000) }, route: 'tickets', task: 'classification' }));
  const { out } = await upshift(process.execPath, [main, 'run', file, '--dry-run', '--json', '--output-tokens', '1000'], {
    UPSHIFT_CONFIG: config,
  });
  const [priced] = (JSON.parse(out) as Estimates).starts;
  // 2,001 tokens in and 100 out, of Luna, then of Sonnet, which the route names, then of Sol.
  expect(priced).toMatchObject({ model: 'openai/gpt-6-luna', input_tokens: 2001 });
  expect(priced?.cost_usd).toBeCloseTo((2001 * 0.1 + 100 * 0.5) / 1e6, 9);
  expect(priced?.cost_escalated_usd).toBeCloseTo((2001 * 4.1 + 100 * 20.5) / 1e6, 9);
});

test('what a draw decides is drawn for each row: which jobs start low by chance, and how equal models share the load', async () => {
  const [file, config] = [join(directory, 'many.jsonl'), join(directory, 'explores.yaml')];
  const shipped = await readFile(join(root, 'upshift.config.yaml'), 'utf8');
  const twin =
    '\n  openai/gpt-6.1-twin:\n    tier: premium\n    capabilities: [streaming]\n    context_window: 100000\n    max_output_tokens: 10000\n    prices: [{ from: 2026-09-01, input: 2, output: 10 }]';
  await writeFile(
    config,
    shipped
      .replace('thresholds: [0.3, 0.7]', 'thresholds: [0.0001, 0.0002]')
      .replace('  default:\n', '  default:\n    explore: 0.5\n')
      .replace('\nmodels:', `\nmodels:${twin}`),
  );
  await writeFile(file, '"x"\n'.repeat(400));
  const { out } = await upshift(process.execPath, [main, 'run', file, '--dry-run', '--json'], { UPSHIFT_CONFIG: config });
  const { starts } = JSON.parse(out) as Estimates;
  expect(starts.map(({ tier }) => tier)).toEqual(['economy', 'premium', 'premium']);
  const [low, one, other] = starts.map(({ jobs }) => jobs);
  expect(low! + one! + other!).toBe(400);
  expect(Math.abs(low! - 200)).toBeLessThan(50);
  expect(Math.abs(one! - other!)).toBeLessThan(50);
});
