import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Model calls take from 10 ms (a sandbox) to many minutes; the usual buckets stop far too early. */
const CALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1200];

/** A receiver that is up is told within a second; one that was down for a night, in the morning. */
const LAG_SECONDS = [0.1, 0.5, 1, 5, 30, 300, 1800, 7200, 18_000, 36_000, 86_400];

/** Most requests take milliseconds; those that wait for a job take up to a minute, and streams of events for ever. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Scores are in [0, 1]. */
const SCORES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

/** Whoever exports it, each metric stands here once. Labels have few values: never a job, a tenant or a prompt. */
export const metricTable = {
  jobsAccepted: { type: 'counter', name: 'upshift_jobs_accepted_total', help: 'Jobs accepted by intake.', labelNames: ['route'] },
  jobsEnded: {
    type: 'counter',
    name: 'upshift_jobs_ended_total',
    help: 'Jobs that reached a terminal state.',
    labelNames: ['status'],
  },
  attempts: {
    type: 'counter',
    name: 'upshift_attempts_total',
    help: 'Calls of models, by outcome: `answered`, the code of the failure, or `deadline` where that of the job, or of its classification, cut a call that had had most of its time. What ended before its model was asked is none.',
    labelNames: ['tier', 'model', 'outcome'],
  },
  escalations: {
    type: 'counter',
    name: 'upshift_escalations_total',
    help: 'Jobs sent to a higher tier, by that tier and the first gate that failed; `score` where all gates passed.',
    labelNames: ['tier', 'reason'],
  },
  failovers: {
    type: 'counter',
    name: 'upshift_failovers_total',
    help: 'Jobs sent to another model because a call failed.',
    labelNames: ['code'],
  },
  deferrals: {
    type: 'counter',
    name: 'upshift_deferrals_total',
    help: 'Calls put off, by why: the code of the failure, such as `rate_limited`, or `retries` where the provider has had its share of them.',
    labelNames: ['model', 'reason'],
  },
  costUsd: { type: 'counter', name: 'upshift_cost_usd_total', help: 'Known cost of calls, in USD.', labelNames: ['model'] },
  tokens: {
    type: 'counter',
    name: 'upshift_tokens_total',
    help: 'Tokens that were billed: `input` (read afresh), `cached_input`, `cache_write` and `output`. No token counts twice.',
    labelNames: ['model', 'type'],
  },
  callSeconds: {
    type: 'histogram',
    name: 'upshift_call_duration_seconds',
    help: 'Duration of calls of models that were made.',
    labelNames: ['tier', 'model'],
    buckets: CALL_SECONDS,
  },
  verdictScore: {
    type: 'histogram',
    name: 'upshift_verdict_score',
    help: 'Scores of answers, by the tier that gave them.',
    labelNames: ['tier'],
    buckets: SCORES,
  },
  circuitOpen: {
    type: 'gauge',
    name: 'upshift_circuit_open',
    help: '1 while this process does not call a model because its circuit is open.',
    labelNames: ['model'],
  },
  concurrencyLimit: {
    type: 'gauge',
    name: 'upshift_concurrency_limit',
    help: 'Calls of a model that this process makes at a time: its `concurrency`, or fewer while the provider is busy.',
    labelNames: ['model'],
  },
  queueDepth: {
    type: 'gauge',
    name: 'upshift_queue_depth',
    help: 'Entries of a queue, by state.',
    labelNames: ['queue', 'tier', 'state'],
  },
  oldestWaitingSeconds: {
    type: 'gauge',
    name: 'upshift_queue_oldest_waiting_seconds',
    help: 'Age of the oldest entry that waits.',
    labelNames: ['queue', 'tier'],
  },
  ready: {
    type: 'gauge',
    name: 'upshift_ready',
    help: '1 while the process can do its work, as `/readyz` says: 0 where Redis does not answer.',
    labelNames: [],
  },
  stalled: {
    type: 'counter',
    name: 'upshift_stalled_total',
    help: 'Entries taken back from a worker that died or hung.',
    labelNames: ['queue'],
  },
  webhookDeliveries: {
    type: 'counter',
    name: 'upshift_webhook_deliveries_total',
    help: 'Tries to tell an endpoint of the end of a job, by outcome.',
    labelNames: ['outcome'],
  },
  webhookLagSeconds: {
    type: 'histogram',
    name: 'upshift_webhook_lag_seconds',
    help: 'From the end of a job to the delivery that succeeded.',
    labelNames: [],
    buckets: LAG_SECONDS,
  },
  httpRequestSeconds: {
    type: 'histogram',
    name: 'upshift_http_request_duration_seconds',
    help: 'Duration of HTTP requests, by the pattern of their route and the class of their status (`2xx`; `aborted` by the client).',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_SECONDS,
  },
} as const satisfies Record<string, Definition>;

interface Definition {
  type: 'counter' | 'gauge' | 'histogram';
  name: string;
  help: string;
  labelNames: readonly string[];
  buckets?: readonly number[];
}

type MetricOf<Defined extends Definition> = {
  counter: Counter<Defined['labelNames'][number]>;
  gauge: Gauge<Defined['labelNames'][number]>;
  histogram: Histogram<Defined['labelNames'][number]>;
}[Defined['type']];

/** All metrics of a process. */
export type Metrics = { registry: Registry } & {
  [Key in keyof typeof metricTable]: MetricOf<(typeof metricTable)[Key]>;
};

/** How often the lag of the event loop is measured, in ms: each look wakes a process that may have nothing to do. */
const LAG_EVERY_MS = 50;

const classes = { counter: Counter, gauge: Gauge, histogram: Histogram };

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_EVERY_MS });
  const metrics = Object.entries<Definition>(metricTable).map(([key, { type, name, help, labelNames, buckets }]) => {
    const shape = { registers: [registry], name, help, labelNames: [...labelNames] };
    return [key, new classes[type](buckets === undefined ? shape : { ...shape, buckets: [...buckets] })];
  });
  return { registry, ...Object.fromEntries(metrics) } as Metrics;
}
