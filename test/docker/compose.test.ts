import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { environmentVariables, loadConfig } from '@upshift/runtime';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Service {
  environment?: Record<string, string | number>;
  depends_on?: Record<string, { condition: string }>;
  env_file?: string;
  extra_hosts?: string[];
  healthcheck?: { test: string[] };
  ports?: string[];
}
interface Compose {
  services: Record<string, Service>;
}

const text = read('docker-compose.yml');
const { services } = parse(text, { merge: true }) as Compose;
const live = read('compose.live.yaml');

/** `${NAME}` and `${NAME:-default}`. */
const variables = [...`${text}\n${live}`.matchAll(/\$\{([A-Z_]+)(?::-([^}]*))?/g)].map(([, name = '', value]) => ({
  name,
  value,
}));

test('every tier has a service of its own, and none is left over', () => {
  const tiers = [...loadConfig(join(root, 'upshift.config.yaml')).tiers.map(({ name }) => name), 'fallback'];
  const workers = Object.entries(services).filter(([name]) => name.startsWith('worker-'));
  expect(workers.map(([name, { environment }]) => [name, environment?.['TIER']])).toEqual(
    tiers.map((tier) => [`worker-${tier}`, tier]),
  );
});

test('live, every worker has the keys and not the sandbox, and nobody else has the keys', () => {
  const override = { tag: '!override', collection: 'map' } as const;
  const { services: changed } = parse(live, { merge: true, customTags: [override] }) as Compose;
  const workers = Object.keys(services).filter((name) => name.startsWith('worker-'));
  const withKeys = Object.entries(changed).filter(([, service]) => service.env_file === '.env');
  expect(withKeys.map(([name]) => name)).toEqual(workers);
  // Of what else stands in .env: neither the sandbox, nor the console's password, nor what is not for compose.
  const others = { UPSHIFT_CONSOLE_PASSWORD: '', UPSHIFT_CONSUME_CELLS: '', UPSHIFT_DISPOSABLE_REDIS: '' };
  for (const [, service] of withKeys) {
    expect(service.environment).toEqual({ UPSHIFT_SANDBOX_URL: '', ...others });
    // An Ollama on the machine itself.
    expect(service.extra_hosts).toEqual(['host.docker.internal:host-gateway']);
  }
});

test.each([
  ['PONG', 0],
  ['LOADING Redis is loading the dataset in memory', 1],
])('a Redis that answers %s: its health check ends with %i', async (answer, code) => {
  // redis-cli itself ends with 0 after any answer.
  const directory = await mkdtemp(join(tmpdir(), 'upshift-health-'));
  await writeFile(join(directory, 'redis-cli'), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
  const [kind, command = ''] = services['redis']?.healthcheck?.test ?? [];
  expect(kind).toBe('CMD-SHELL');
  const { status } = spawnSync('/bin/sh', ['-c', command], { env: { PATH: `${directory}:${process.env['PATH']}` } });
  await rm(directory, { recursive: true });
  expect(status).toBe(code);
});

test('the image’s user can read the files of a checkout that was made for its owner alone', async () => {
  const checkout = await mkdtemp(join(tmpdir(), 'upshift-umask-'));
  await writeFile(join(checkout, 'main.ts'), '', { mode: 0o600 });
  // What is copied keeps its mode, and belongs to root.
  const [, command = ''] = /^COPY \. \.\n(?:#.*\n)*RUN .* && (chmod .*)$/m.exec(read('Dockerfile')) ?? [];
  spawnSync('/bin/sh', ['-c', command], { cwd: checkout });
  const modes = [await stat(checkout), await stat(join(checkout, 'main.ts'))].map(({ mode }) => (mode & 0o777).toString(8));
  await rm(checkout, { recursive: true });
  expect(modes).toEqual(['755', '644']);
});

test.each(Object.entries(services))('%s is hardened, limited, comes back, and may be there more than once', (_name, service) => {
  expect(service).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    restart: 'unless-stopped',
    mem_limit: expect.any(String),
  });
  expect(service).not.toHaveProperty('container_name');
});

test('the job API starts after all that does the work and is stopped before it, and nothing starts before its Redis is healthy', () => {
  const after = Object.keys(services['intake']?.depends_on ?? {});
  const others = Object.keys(services).filter((name) => !['intake', 'console', 'sandbox'].includes(name));
  expect(after.toSorted()).toEqual(others.toSorted());
  const waitFor = (name: string): string[] =>
    Object.keys(services).filter((other) => services[other]?.depends_on?.[name]?.condition === 'service_healthy');
  expect(waitFor('redis')).toEqual(Object.keys(services).filter((name) => !['redis', 'sandbox'].includes(name)));
  expect(waitFor('sandbox')).toEqual(Object.keys(services).filter((name) => name.startsWith('worker-')));
});

test('only the job API and the console are published, on loopback', () => {
  const published = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
  expect(published).toEqual([
    ['intake', '127.0.0.1:${UPSHIFT_PORT:-7700}:7700'],
    ['console', '127.0.0.1:${UPSHIFT_CONSOLE_PORT:-7701}:7700'],
  ]);
});

test('the example of a scrape asks every container of every service that has metrics', () => {
  const example = parse(/```yaml\n(scrape_configs:[^`]*)```/.exec(read('docs/observability.md'))![1]!) as {
    scrape_configs: { dns_sd_configs: { type: string; port: number; names: string[] }[] }[];
  };
  const [asked] = example.scrape_configs[0]!.dns_sd_configs;
  expect(asked).toMatchObject({ type: 'A', port: services['steward']?.environment?.['PORT'] });
  expect(asked?.names.toSorted()).toEqual(
    Object.keys(services)
      .filter((name) => !['redis', 'sandbox'].includes(name))
      .toSorted(),
  );
});

test('a container is killed later than a service cuts its own stop short', () => {
  const grace = Number(variables.find(({ name }) => name === 'SHUTDOWN_GRACE_S')?.value);
  const killed = /^(\d+)s$/.exec(variables.find(({ name }) => name === 'STOP_GRACE_PERIOD')?.value ?? '')?.[1];
  expect(grace).toBe(environmentVariables.shape.SHUTDOWN_GRACE_S.parse(undefined));
  expect(Number(killed)).toBeGreaterThan(grace + 5);
});

test('every variable of the compose files stands in .env.example, with its default', () => {
  const example = read('.env.example');
  const empty = new Set(['', 'upshift-sandbox', undefined]);
  const missing = variables.filter(({ name, value }) => !example.includes(`\n# ${name}=${empty.has(value) ? '' : value}\n`));
  expect(missing).toEqual([]);
});
