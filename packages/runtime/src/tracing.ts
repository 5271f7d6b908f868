import { context, diag, DiagLogLevel, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Context, Span } from '@opentelemetry/api';
import { ModelCallError, ProblemError } from '@upshift/contracts';

import type { Environment } from './environment.ts';
import type { Logger } from './logger.ts';

/** What a span says: ids, names and numbers, never a prompt, an answer or the words of an error. Null says nothing. */
export type SpanAttributes = Record<string, string | number | boolean | string[] | null | undefined>;

interface SpanOptions {
  name: string;
  kind: keyof typeof kinds;
  attributes?: SpanAttributes;
  /** The span that this one continues, as a `traceparent` (W3C); absent or null: the one in which this is called. */
  parent?: string | null;
}

const kinds = { producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER, client: SpanKind.CLIENT };

/** Whether spans go anywhere. */
let isOn = false;

/** Does the work within a span. Where tracing is off it just does the work. */
export function inSpan<Result>(options: SpanOptions, work: () => Promise<Result>): Promise<Result> {
  if (!isOn) return work();
  const { span, within } = started(options);
  return context.with(within, () => endAfter(span, work));
}

/** A span of one among many things that are done at once, in which nothing else is called. */
export interface OpenSpan {
  /** In the form that goes with a job. */
  traceparent: string | null;
  end(attributes: SpanAttributes, error?: Error): void;
}

/** Null where tracing is off. */
export function openSpan(options: SpanOptions): OpenSpan | null {
  if (!isOn) return null;
  const { span, within } = started(options);
  const carrier: { traceparent?: string } = {};
  propagation.inject(within, carrier);
  return {
    traceparent: carrier.traceparent ?? null,
    end(attributes, error) {
      span.setAttributes(said(attributes));
      if (error !== undefined) markFailed(span, error);
      span.end();
    },
  };
}

function started({ name, kind, attributes = {}, parent = null }: SpanOptions): { span: Span; within: Context } {
  const around = parent === null ? context.active() : propagation.extract(context.active(), { traceparent: parent });
  const span = trace.getTracer('upshift').startSpan(name, { kind: kinds[kind], attributes: said(attributes) }, around);
  return { span, within: trace.setSpan(around, span) };
}

async function endAfter<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    markFailed(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', errorTypeOf(error)).setStatus({ code: SpanStatusCode.ERROR });
}

/** Adds to the span in which this is called. */
export function annotate(attributes: SpanAttributes): void {
  if (isOn) trace.getActiveSpan()?.setAttributes(said(attributes));
}

function said(attributes: SpanAttributes): Record<string, string | number | boolean | string[] | undefined> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, value ?? undefined]));
}

function errorTypeOf(error: unknown): string {
  if (error instanceof ModelCallError) return error.error.code;
  if (error instanceof ProblemError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

const ignore = (): void => undefined;

/** A collector that does not answer must not hold up the end of a process for longer. */
const LAST_EXPORT_MS = 3000;

/**
 * Sends spans to the collector that the environment names. Where it names none the SDK is not even loaded, and all of
 * the above does nothing.
 *
 * @returns what sends the last spans
 */
export async function startTracing(service: string, environment: Environment, logger: Logger): Promise<() => Promise<void>> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share } = environment;
  if (endpoint === undefined) return async () => undefined;
  const [sdk, exporters, resources, contexts, core] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
  ]);
  const exporter = new exporters.OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes({ 'service.namespace': 'upshift', 'service.name': `upshift-${service}` })),
    // A job is traced as a whole or not at all: its later steps do as its first one did.
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const warn = (reason: string): void => logger.warn({ reason }, 'tracing');
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  context.setGlobalContextManager(new contexts.AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new core.W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  isOn = true;
  return async () => {
    const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_EXPORT_MS).unref());
    await Promise.race([provider.shutdown(), late]).catch((error: unknown) => warn(String(error)));
  };
}
