import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob } from 'node:path';

import { callErrorCodes, check, jobView, parseJobRequest, problemStatus, trailEvents } from '@upshift/contracts';
import { environmentVariables, loadConfig } from '@upshift/runtime';
import { describe, expect, test } from 'vitest';

import { openapi } from '../services/intake/src/openapi.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })];
const api = read('docs/api.md');

/** The names that a page does not have as code. */
function missing(page: string, names: readonly string[]): string[] {
  return names.filter((name) => !new RegExp(`[\`/]${name.replaceAll(/[{}]/g, String.raw`\$&`)}\``).test(page));
}

test('what is generated is up to date', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-docs.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

describe('every link leads somewhere', () => {
  test.each(pages)('in %s', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(page, link));
    expect(broken).toEqual([]);
  });
});

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : join(dirname(page), file);
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || anchorsOf(read(target)).includes(anchor);
}

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('docs/api.md names', () => {
  test('every problem code, with its status', () => {
    expect(missing(api, Object.keys(problemStatus))).toEqual([]);
    const wrong = Object.entries(problemStatus).filter(
      ([code, status]) => !new RegExp(`^\\| ${status} \\|.*\`${code}\``, 'm').test(api),
    );
    expect(wrong).toEqual([]);
  });

  test('every trail event and every reason of a failed call', () => {
    expect(missing(api, [...trailEvents, ...callErrorCodes])).toEqual([]);
  });

  test('every check', () => {
    expect(
      missing(
        api,
        check.options.map(({ shape }) => shape.type.value),
      ),
    ).toEqual([]);
  });

  test('every field of a job', () => {
    expect(Object.keys(jobView.shape).filter((field) => !new RegExp(`\`${field}[.\`]`).test(api))).toEqual([]);
  });

  test('every endpoint', () => {
    const paths = Object.entries(openapi()['paths'] as Record<string, object>);
    const endpoints = paths.flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(endpoints).not.toEqual([]);
    expect(missing(api, endpoints)).toEqual([]);
  });
});

test('every environment variable is named in docs/configuration.md and in .env.example', () => {
  const { providers } = loadConfig(join(root, 'upshift.config.yaml'));
  const ofProviders = Object.values(providers).flatMap(({ api_key_env: key, base_url_env: url }) =>
    [key, url].filter((name) => name !== undefined),
  );
  const names = [...Object.keys(environmentVariables.shape), ...ofProviders];
  expect(missing(read('docs/configuration.md'), names)).toEqual([]);
  expect(names.filter((name) => !read('.env.example').includes(`\n# ${name}=`))).toEqual([]);
});

test('every npm command in the docs exists', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const used = pages.flatMap((page) => [...read(page).matchAll(/\bnpm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name));
  expect(used).toContain('start');
  expect(used.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test('what a documented command writes into a clone is ignored by git, with the journal of a run', () => {
  const text = [...pages, 'services/cli/src/main.ts'].map(read).join('\n');
  const written = [...text.matchAll(/(?: --(?:out|profile)| >) ([\w-]+\.(?:jsonl|json|yaml))\b/g)].map(([, name = '']) => name);
  expect(written).toContain('labels.jsonl');
  const files = written.flatMap((name) => (name.endsWith('.jsonl') ? [name, `${name}.run.json`] : [name]));
  const ignored = [...read('.gitignore').matchAll(/^\/(.+)$/gm)].map(([, pattern = '']) => pattern);
  const isIgnored = (file: string): boolean => ignored.some((pattern) => matchesGlob(file, pattern));
  expect(files.filter((file) => file !== 'upshift.config.yaml' && !isIgnored(file))).toEqual([]);
});

test("the README's first job is a job", () => {
  const body = /^curl .*? -d '(\{[\s\S]*?\})'$/m.exec(read('README.md'))?.[1] ?? '';
  expect(parseJobRequest(JSON.parse(body))).toHaveProperty('request');
});
