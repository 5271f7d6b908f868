import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Model calls take from 10 ms (a sandbox) to many minutes; the usual buckets stop far too early. */
const CALL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1200];

/** A receiver that is up is told within a second; one that was down for a night, in the morning. */
const LAG_SECONDS = [0.1, 0.5, 1, 5, 30, 300, 1800, 7200, 18_000, 36_000, 86_400];

/** All metrics of a process. Labels have few values: never a job, a tenant or a prompt. */
export interface Metrics {
  registry: Registry;
  jobsAccepted: Counter<'route'>;
  jobsEnded: Counter<'status'>;
  attempts: Counter<'tier' | 'model' | 'outcome'>;
  escalations: Counter<'tier'>;
  failovers: Counter<'code'>;
  costUsd: Counter<'model'>;
  callSeconds: Histogram<'tier' | 'model'>;
  queueDepth: Gauge<'queue' | 'state'>;
  oldestWaitingSeconds: Gauge<'queue'>;
  webhookDeliveries: Counter<'outcome'>;
  webhookLagSeconds: Histogram;
}

export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    jobsAccepted: new Counter({
      registers,
      name: 'upshift_jobs_accepted_total',
      help: 'Jobs accepted by intake.',
      labelNames: ['route'],
    }),
    jobsEnded: new Counter({
      registers,
      name: 'upshift_jobs_ended_total',
      help: 'Jobs that reached a terminal state.',
      labelNames: ['status'],
    }),
    attempts: new Counter({
      registers,
      name: 'upshift_attempts_total',
      help: 'Calls of models, by outcome.',
      labelNames: ['tier', 'model', 'outcome'],
    }),
    escalations: new Counter({
      registers,
      name: 'upshift_escalations_total',
      help: 'Jobs sent to a higher tier because a check failed.',
      labelNames: ['tier'],
    }),
    failovers: new Counter({
      registers,
      name: 'upshift_failovers_total',
      help: 'Jobs sent to another model because a call failed.',
      labelNames: ['code'],
    }),
    costUsd: new Counter({
      registers,
      name: 'upshift_cost_usd_total',
      help: 'Known cost of calls, in USD.',
      labelNames: ['model'],
    }),
    callSeconds: new Histogram({
      registers,
      name: 'upshift_call_duration_seconds',
      help: 'Duration of calls of models.',
      labelNames: ['tier', 'model'],
      buckets: CALL_SECONDS,
    }),
    queueDepth: new Gauge({
      registers,
      name: 'upshift_queue_depth',
      help: 'Entries of a queue, by state.',
      labelNames: ['queue', 'state'],
    }),
    oldestWaitingSeconds: new Gauge({
      registers,
      name: 'upshift_queue_oldest_waiting_seconds',
      help: 'Age of the oldest entry that waits.',
      labelNames: ['queue'],
    }),
    webhookDeliveries: new Counter({
      registers,
      name: 'upshift_webhook_deliveries_total',
      help: 'Tries to tell an endpoint of the end of a job, by outcome.',
      labelNames: ['outcome'],
    }),
    webhookLagSeconds: new Histogram({
      registers,
      name: 'upshift_webhook_lag_seconds',
      help: 'From the end of a job to the delivery that succeeded.',
      buckets: LAG_SECONDS,
    }),
  };
}
