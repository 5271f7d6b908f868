import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
/** Lowest first: a part imports only from layers below its own. */
const layers = [['contracts'], ['runtime', 'routing'], ['models', 'queues'], ['services']];
const io = ['node:fs', 'node:net', 'node:http', 'node:https', 'node:child_process', 'node:dgram', 'bullmq', 'ioredis'];
const vendors = ['openai', '@anthropic-ai/sdk', 'ollama'];
const LONGEST_FILE = 400;

interface Source {
  /** Path from the root of the repository. */
  path: string;
  /** `packages/queues`, `services/intake`. */
  part: string;
  text: string;
  imports: string[];
}

function sourcesUnder(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('node_modules'))
    .map((entry) => {
      const path = relative(root, join(entry.parentPath, entry.name));
      const text = readFileSync(join(root, path), 'utf8');
      return { path, part: path.split('/').slice(0, 2).join('/'), text, imports: importsIn(text) };
    });
}

function importsIn(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\(\s*)['"`]([^'"`\n]+)['"`]/g)].map((match) => match[1]!);
}

const sources = [...sourcesUnder('packages'), ...sourcesUnder('services')];
const src = sources.filter(({ path }) => path.includes('/src/') && !path.endsWith('.test.ts'));
const parts = [...new Set(src.map(({ part }) => part))];

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
const layerOf = (part: string): number =>
  layers.findIndex((names) => names.includes(part.startsWith('services/') ? 'services' : part.replace(/^packages\//, '')));

function dependenciesOf(part: string): string[] {
  const manifest = JSON.parse(readFileSync(join(root, part, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
  };
  return Object.keys(manifest.dependencies ?? {});
}

function offences(of: Source[], offends: (specifier: string, source: Source) => boolean): string[] {
  return of.flatMap((source) =>
    source.imports.filter((specifier) => offends(specifier, source)).map((specifier) => `${source.path} imports ${specifier}`),
  );
}

/** The part of the repository that a specifier means, or null where it means a package from outside. */
function partMeant(specifier: string, source: Source): string | null {
  if (specifier.startsWith('@upshift/')) {
    const name = specifier.split('/')[1]!;
    return layers.flat().includes(name) ? `packages/${name}` : `services/${name}`;
  }
  return specifier.startsWith('.') ? join(source.path, '..', specifier).split('/').slice(0, 2).join('/') : null;
}

function pointsUp(from: string, to: string): boolean {
  return from !== to && layerOf(to) >= layerOf(from);
}

test('every part has a layer', () => {
  expect(parts.filter((part) => layerOf(part) === -1)).toEqual([]);
});

test('imports point down: contracts → runtime, routing → models, queues → services, which never import one another', () => {
  expect(
    offences(src, (specifier, source) => {
      const meant = partMeant(specifier, source);
      return meant !== null && pointsUp(source.part, meant);
    }),
  ).toEqual([]);
});

test('declared dependencies point down', () => {
  const upward = parts.flatMap((part) =>
    dependenciesOf(part).flatMap((name) => {
      const meant = name.startsWith('@upshift/') ? partMeant(name, { path: '', part, text: '', imports: [] }) : null;
      return meant !== null && pointsUp(part, meant) ? [`${part} depends on ${name}`] : [];
    }),
  );
  expect(upward).toEqual([]);
});

test('what is imported is declared', () => {
  expect(
    offences(
      src,
      (specifier, { part }) =>
        !specifier.startsWith('.') && !specifier.startsWith('node:') && !dependenciesOf(part).includes(packageOf(specifier)),
    ),
  ).toEqual([]);
});

test('parts meet at their entry, never by a path into another one', () => {
  expect(offences(src, (specifier, source) => specifier.startsWith('.') && partMeant(specifier, source) !== source.part)).toEqual(
    [],
  );
});

test('source never imports tests', () => {
  expect(
    offences(
      src,
      (specifier, source) => specifier === '@upshift/test' || partMeant(specifier, source)?.startsWith('test') === true,
    ),
  ).toEqual([]);
});

test('contracts imports zod alone', () => {
  expect(
    offences(
      src.filter(({ part }) => part === 'packages/contracts'),
      (specifier) => !specifier.startsWith('.') && specifier !== 'zod',
    ),
  ).toEqual([]);
});

test('routing does no input or output', () => {
  expect(
    offences(
      src.filter(({ part }) => part === 'packages/routing'),
      (specifier) => io.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
    ),
  ).toEqual([]);
});

test('routing reads neither the clock nor chance', () => {
  const read = src.filter(
    ({ part, text }) =>
      part === 'packages/routing' && /Date\.now\(|new Date\(\)|Math\.random|randomBytes|(?<![\w-])process\./.test(text),
  );
  expect(read.map(({ path }) => path)).toEqual([]);
});

test('only the command line, which evaluates, knows a benchmark by its name', () => {
  const named = src.filter(({ text }) => /zeroeval|routellm|gsm-?8k|mmlu|wildbench|llmrouter/i.test(text));
  expect(named.filter(({ part }) => part !== 'services/cli').map(({ path }) => path)).toEqual([]);
});

test('only queues knows BullMQ and ioredis', () => {
  const others = src.filter(({ part }) => part !== 'packages/queues');
  expect(offences(others, (specifier) => ['bullmq', 'ioredis'].includes(packageOf(specifier)))).toEqual([]);
});

test('only models knows the vendors’ SDKs', () => {
  expect(
    offences(
      src.filter(({ part }) => part !== 'packages/models'),
      (specifier) => vendors.includes(packageOf(specifier)),
    ),
  ).toEqual([]);
});

test('only runtime knows OpenTelemetry', () => {
  const others = src.filter(({ part }) => part !== 'packages/runtime');
  expect(offences(others, (specifier) => specifier.startsWith('@opentelemetry/'))).toEqual([]);
});

test('the environment is read in one place, and by the command line', () => {
  const lines = src
    .filter(({ path, part }) => path !== 'packages/runtime/src/environment.ts' && part !== 'services/cli')
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (line.includes('process.env') ? [`${path}:${index + 1} ${line.trim()}`] : [])),
    );
  expect(lines).toEqual([]);
});

test('a file that is long says why in its first lines', () => {
  // A workload is data: prompts with what is known of their answers.
  const written = sourcesUnder('test').filter(({ path }) => !path.startsWith('test/workload/'));
  const silent = [...src, ...written].filter(({ text }) => {
    const lines = text.split('\n');
    return lines.length > LONGEST_FILE && !/\blong\b|\bone file\b|\bone place\b/i.test(lines.slice(0, 20).join('\n'));
  });
  expect(silent.map(({ path }) => path)).toEqual([]);
});
