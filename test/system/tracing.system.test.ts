import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { bookKey } from '../sandbox/book.ts';
import { startCollector } from '../telemetry/collector.ts';
import type { Collector, ReceivedSpan } from '../telemetry/collector.ts';
import { programs, startFleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT_SPAN = 'b7ad6b7169203331';
const PROMPT = 'Name the secret herb of the garden.';
const WRONG = 'It must be the thistlewort.';
const RIGHT = 'The moonpetal grows there.';
/** Kinds as OTLP numbers them. */
const [CLIENT, PRODUCER, CONSUMER] = [3, 4, 5];

let collector: Collector;
let fleet: Fleet;
let spans: ReceivedSpan[];
let id: string;

beforeAll(async () => {
  collector = await startCollector();
  fleet = await startFleet({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    configure: (config) => {
      config.webhooks = { allow_private_addresses: true };
    },
  });
  await fleet.api.send('/v1/webhooks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'told', url: `${collector.url}/told` }),
  });
  fleet.sandbox.book.add({ model: 'openai/gpt-6-luna', key: bookKey(PROMPT), answer: WRONG });
  fleet.sandbox.book.add({ model: '*', key: bookKey(PROMPT), answer: RIGHT });
  const reply = await fetch(`${fleet.url('intake')}/v1/jobs`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      prefer: 'wait=20',
      traceparent: `00-${TRACE}-${CLIENT_SPAN}-01`,
    },
    body: JSON.stringify({
      input: { prompt: PROMPT },
      task: 'classification',
      webhook: 'told',
      checks: [{ type: 'contains', values: ['moonpetal'], gate: true }],
    }),
  });
  const job = (await reply.json()) as { id: string; status: string; escalations: number };
  expect(job).toMatchObject({ status: 'completed', escalations: 1 });
  ({ id } = job);
  await vi.waitFor(() => expect(collector.otherPaths()).toEqual(['/told']), { timeout: 10_000 });
  // The last spans are sent when a process ends.
  await fleet.stop(...programs);
  spans = collector.spans();
});

afterAll(async () => {
  await fleet?.close();
  await collector?.close();
});

function named(name: string): ReceivedSpan[] {
  return spans.filter((span) => span.name === name);
}

test('all spans of a job belong to the trace that the client named, and to nothing else', () => {
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  expect(Object.groupBy(spans, ({ service, name }) => `${service}: ${name}`)).toMatchObject({
    'upshift-intake: accept job': [{ kind: PRODUCER, parentSpanId: CLIENT_SPAN }],
    'upshift-classifier: classify step': [{ kind: CONSUMER }],
    'upshift-worker: call step': [{ kind: CONSUMER }, { kind: CONSUMER }],
    'upshift-scorer: score step': [{ kind: CONSUMER }, { kind: CONSUMER }],
    'upshift-notifier: deliver webhook': [{ kind: CONSUMER, attributes: { 'http.response.status_code': expect.anything() } }],
  });
});

test('every step is a child of the acceptance, and every call of its step', () => {
  const [accepted] = named('accept job');
  const steps = spans.filter(({ kind }) => kind === CONSUMER);
  const calls = spans.filter(({ kind }) => kind === CLIENT);

  expect(steps.map(({ parentSpanId }) => parentSpanId)).toEqual(steps.map(() => accepted?.spanId));
  expect(steps.map(({ attributes }) => attributes['upshift.job.id'])).toEqual(steps.map(() => id));
  expect(new Set(calls.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set(named('call step').map(({ spanId }) => spanId)));
});

test('a call says what the conventions for generative AI ask for', () => {
  const calls = spans.filter(({ kind }) => kind === CLIENT);

  expect(calls).toHaveLength(2);
  for (const { name, attributes, status } of calls) {
    expect(name).toBe(`chat ${String(attributes['gen_ai.request.model'])}`);
    expect(attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': expect.stringMatching(/^(openai|anthropic|ollama)$/),
      'gen_ai.response.model': expect.any(String),
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': expect.any(Number),
      'gen_ai.usage.output_tokens': expect.any(Number),
      'gen_ai.usage.cache_read.input_tokens': expect.any(Number),
    });
    expect(status).not.toBe(2);
  }
  expect(calls.map(({ attributes }) => attributes['gen_ai.request.model'])).toContain('gpt-6-luna');
});

test('a score step says what was found, and no prompt and no answer is in anything that was sent or logged', () => {
  expect(named('score step').map(({ attributes }) => attributes['upshift.verdict.passed'])).toEqual([false, true]);
  for (const words of ['secret herb', 'thistlewort', 'moonpetal']) {
    expect(collector.received()).not.toContain(words);
    expect(fleet.output()).not.toContain(words);
  }
});
