import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { startCollector } from './collector.ts';

/** Traces one piece of work in a process of its own, and tells which modules of OpenTelemetry that loaded. */
const program = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ resolve: (name, context, next) => (loaded.push(name), next(name, context)) });
const { createLogger, openSpan, readEnvironment, startTracing } = await import('@upshift/runtime');
const stop = await startTracing('test', readEnvironment(), createLogger('test', 'silent'));
const span = openSpan({ name: 'a step', kind: 'consumer', parent: process.env.PARENT });
span?.end({});
await stop();
console.log(JSON.stringify({ traceparent: span?.traceparent ?? null, loaded: loaded.filter((name) => name.startsWith('@opentelemetry/')) }));
process.exit(0);
`;

interface Traced {
  traceparent: string | null;
  loaded: string[];
}

async function run(environment: Record<string, string>): Promise<Traced> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    env: { ...process.env, ...environment },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Traced;
}

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
/** Nobody listens there: what can not be sent is given up. */
const NOWHERE = 'http://127.0.0.1:9';

test('without a collector the SDK is not loaded, work is done all the same, and no job is given a trace', async () => {
  const { traceparent, loaded } = await run({ PARENT, OTEL_EXPORTER_OTLP_ENDPOINT: '' });

  expect(traceparent).toBeNull();
  expect(new Set(loaded)).toEqual(new Set(['@opentelemetry/api']));
});

test('with one a step continues the trace of its parent, and a collector that is away stops nothing', async () => {
  const { traceparent, loaded } = await run({ PARENT, OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE });

  expect(traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/);
  expect(loaded).toContain('@opentelemetry/sdk-trace');
});

test('a share of 0 traces no job but those whose client asks for it', async () => {
  const collector = await startCollector();
  const share = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: '0' };

  expect((await run({ ...share, PARENT: '' })).traceparent).toMatch(/-00$/);
  expect(collector.spans()).toEqual([]);
  expect((await run({ ...share, PARENT })).traceparent).toMatch(/-01$/);
  expect(collector.spans()).toMatchObject([{ name: 'a step', service: 'upshift-test' }]);
  await collector.close();
});
