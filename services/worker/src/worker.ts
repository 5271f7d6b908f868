import type { UpshiftConfig } from '@upshift/contracts';
import { createCircuits, createModelClient } from '@upshift/models';
import type { CircuitChange } from '@upshift/models';
import {
  closeCircuit,
  closeCells,
  consume,
  consumedCells,
  FALLBACK_QUEUE,
  listenToSignals,
  modelQueue,
  openCircuit,
  openCells,
  parseModelQueue,
  probeOf,
  PROVIDER_HEARTBEAT_MS,
  publishProviders,
  queueNames,
  redisReadiness,
} from '@upshift/queues';
import type { Connection, Consumer, Pipeline } from '@upshift/queues';
import { cellOptions, ConfigError, resolveProviders } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

import { createCalls } from './calls.ts';
import { handleCall } from './handle-call.ts';
import { Durations } from './hedge.ts';
import { createRetries } from './retries.ts';
import { createSlots } from './slots.ts';
import { warnOfDisagreements } from './warn-of-disagreements.ts';

/** Calls in flight on the fallback queue, and on queues of models that have left the configuration. */
const OTHER_CONCURRENCY = 8;

/** Failures of which the first is worth an alert. */
const ALERTING = ['provider_denied', 'model_not_found'];

/**
 * Calls models. `TIER` says which queues: those of all models of that tier, or `fallback`.
 *
 * @param createClient what calls the models
 */
export async function startWorker(context: ServiceContext, createClient = createModelClient): Promise<Running> {
  const tier = tierOf(context);
  const cells = await openCells(cellOptions(context, { failFast: false }));
  const consumed = await consumedCells(cells);
  for (const model of modelsOf(context.config, tier)) {
    // A series that begins with its first failure, or its first dollar, shows no increase.
    for (const outcome of ALERTING) cells.metrics.attempts.inc({ tier, model, outcome }, 0);
    cells.metrics.costUsd.inc({ model }, 0);
  }
  const providers = resolveProviders(context.config, context.environment.raw);
  await publishProviders(cells, providers);
  const heartbeat = setInterval(() => void publishProviders(cells, providers).catch(() => undefined), PROVIDER_HEARTBEAT_MS);
  const signals = await listenToSignals(cells, 'abort');
  const calls = createCalls();
  signals.onAbort((id) => calls.abort(id, 'the job has ended'));
  const slots = createSlots((model, limit) => cells.metrics.concurrencyLimit.set({ model }, limit));
  const circuits = createCircuits({
    onChange(change) {
      if (change.state === 'closed') slots.beginAnew(change.modelId);
      share(cells, change);
    },
    mayProbe: (model) => probeOf(cells, model),
  });
  const stopping = new AbortController();
  const tools = {
    client: createClient(providers),
    circuits,
    calls,
    slots,
    retries: createRetries(cells),
    durations: new Durations(),
    stopping: stopping.signal,
  };
  const consumers = await openConsumers(context, consumed, tier, (queue, concurrency) =>
    consume(consumed, queue, 'call', concurrency, (step) => handleCall(tools, step)),
  );
  warnOfDisagreements(context, tier, providers).catch((error: unknown) =>
    context.logger.warn({ reason: String(error) }, 'could not compare the models with what their providers say'),
  );
  context.logger.info({ tier, queues: consumers.map(({ queue }) => queue) }, 'consuming');
  return {
    readiness: () => redisReadiness(cells),
    async stop() {
      stopping.abort();
      const grace = setTimeout(() => calls.abortAll('the worker is stopping'), context.environment.SHUTDOWN_GRACE_S * 1000);
      await Promise.all(consumers.map((consumer) => consumer.close()));
      clearTimeout(grace);
      clearInterval(heartbeat);
      circuits.close();
      signals.close();
      await closeCells(cells);
    },
  };
}

function tierOf({ config, environment }: ServiceContext): string {
  const tiers = [...config.tiers.map(({ name }) => name), FALLBACK_QUEUE];
  const tier = environment.TIER;
  if (tier !== undefined && tiers.includes(tier)) return tier;
  throw new ConfigError('TIER', [`${tier === undefined ? 'is not set' : `is ${tier}`}; must be one of ${tiers.join(', ')}`]);
}

/** The models that are called for a tier, or as the last resort. */
function modelsOf({ models, routes }: UpshiftConfig, tier: string): string[] {
  if (tier === FALLBACK_QUEUE) return Object.values(routes).flatMap(({ fallback }) => fallback);
  return Object.keys(models).filter((id) => models[id]?.tier === tier);
}

async function openConsumers(
  { config }: ServiceContext,
  cells: Pipeline[],
  tier: string,
  open: (queue: string, concurrency: number) => Consumer,
): Promise<Consumer[]> {
  if (tier === FALLBACK_QUEUE)
    return [FALLBACK_QUEUE, ...(await queuesWithoutTier(config, cells))].map((queue) => open(queue, OTHER_CONCURRENCY));
  const configured = new Map(
    Object.entries(config.models).flatMap(([id, model]) =>
      model.tier === tier ? [[modelQueue(tier, id), model.concurrency]] : [],
    ),
  );
  // Jobs accepted under an earlier configuration may wait on queues of models that are gone: they fail over from there.
  const forgotten = (await namesOf(cells)).filter((name) => parseModelQueue(name)?.tier === tier && !configured.has(name));
  return [
    ...[...configured].map(([queue, concurrency]) => open(queue, concurrency)),
    ...forgotten.map((queue) => open(queue, OTHER_CONCURRENCY)),
  ];
}

/** Queues of tiers that have left the configuration: no worker has their name, so the fallback's takes them. */
async function queuesWithoutTier(config: UpshiftConfig, cells: Pipeline[]): Promise<string[]> {
  const tiers = config.tiers.map(({ name }) => name);
  return (await namesOf(cells)).filter((name) => {
    const model = parseModelQueue(name);
    return model !== null && !tiers.includes(model.tier);
  });
}

/** The queues of some cells; one of the same name is consumed in all of them. */
async function namesOf(cells: Pipeline[]): Promise<string[]> {
  const names = await Promise.all(cells.map(queueNames));
  return [...new Set(names.flat())].toSorted();
}

/**
 * Tells the other processes; where Redis is away they go by their own circuits. Half open is not told: all know
 * it by the time that was told, and it lasts until the model answers.
 */
function share(connection: Connection, { modelId, state, openUntilMs }: CircuitChange): void {
  connection.logger.warn({ model: modelId, state }, 'circuit');
  connection.metrics.circuitOpen.set({ model: modelId }, state === 'open' ? 1 : 0);
  if (state === 'half_open') return;
  const told =
    state === 'open' && openUntilMs !== null ? openCircuit(connection, modelId, openUntilMs) : closeCircuit(connection, modelId);
  told.catch((error: unknown) => connection.logger.warn({ model: modelId, reason: String(error) }, 'could not share a circuit'));
}
