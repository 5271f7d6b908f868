import type { UpshiftConfig } from '@upshift/contracts';
import { createCircuits, createModelClient } from '@upshift/models';
import type { CircuitChange } from '@upshift/models';
import {
  closeCircuit,
  closePipeline,
  consume,
  FALLBACK_QUEUE,
  listenToSignals,
  modelQueue,
  openCircuit,
  openPipeline,
  parseModelQueue,
  probeOf,
  PROVIDER_HEARTBEAT_MS,
  publishProviders,
  queueNames,
  redisReadiness,
} from '@upshift/queues';
import type { Consumer, Pipeline } from '@upshift/queues';
import { ConfigError, pipelineOptions, resolveProviders } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';

import { createCalls } from './calls.ts';
import { handleCall } from './handle-call.ts';
import { createRetries } from './retries.ts';
import { createSlots } from './slots.ts';
import { warnOfDisagreements } from './warn-of-disagreements.ts';

/** Calls in flight on the fallback queue, and on queues of models that have left the configuration. */
const OTHER_CONCURRENCY = 8;

/**
 * Calls models. `TIER` says which queues: those of all models of that tier, or `fallback`.
 *
 * @param createClient what calls the models
 */
export async function startWorker(context: ServiceContext, createClient = createModelClient): Promise<Running> {
  const tier = tierOf(context);
  const pipeline = await openPipeline(pipelineOptions(context, { failFast: false }));
  const providers = resolveProviders(context.config, context.environment.raw);
  await publishProviders(pipeline, providers);
  const heartbeat = setInterval(() => void publishProviders(pipeline, providers).catch(() => undefined), PROVIDER_HEARTBEAT_MS);
  const signals = await listenToSignals(pipeline, 'abort');
  const calls = createCalls();
  signals.onAbort((id) => calls.abort(id, 'the job has ended'));
  const slots = createSlots((model, limit) => pipeline.metrics.concurrencyLimit.set({ model }, limit));
  const circuits = createCircuits({
    onChange(change) {
      if (change.state === 'closed') slots.beginAnew(change.modelId);
      share(pipeline, change);
    },
    mayProbe: (model) => probeOf(pipeline, model),
  });
  const stopping = new AbortController();
  const tools = {
    pipeline,
    client: createClient(providers),
    circuits,
    calls,
    slots,
    retries: createRetries(pipeline),
    stopping: stopping.signal,
  };
  const consumers = await openConsumers(context, pipeline, tier, (queue, concurrency) =>
    consume(pipeline, queue, 'call', concurrency, (step) => handleCall(tools, step)),
  );
  void warnOfDisagreements(context, tier, providers);
  context.logger.info({ tier, queues: consumers.map(({ queue }) => queue) }, 'consuming');
  return {
    readiness: () => redisReadiness(pipeline),
    async stop() {
      stopping.abort();
      const grace = setTimeout(() => calls.abortAll('the worker is stopping'), context.environment.SHUTDOWN_GRACE_S * 1000);
      await Promise.all(consumers.map((consumer) => consumer.close()));
      clearTimeout(grace);
      clearInterval(heartbeat);
      circuits.close();
      signals.close();
      await closePipeline(pipeline);
    },
  };
}

function tierOf({ config, environment }: ServiceContext): string {
  const tiers = [...config.tiers.map(({ name }) => name), FALLBACK_QUEUE];
  const tier = environment.TIER;
  if (tier !== undefined && tiers.includes(tier)) return tier;
  throw new ConfigError('TIER', [`${tier === undefined ? 'is not set' : `is ${tier}`}; must be one of ${tiers.join(', ')}`]);
}

async function openConsumers(
  { config }: ServiceContext,
  pipeline: Pipeline,
  tier: string,
  open: (queue: string, concurrency: number) => Consumer,
): Promise<Consumer[]> {
  if (tier === FALLBACK_QUEUE)
    return [FALLBACK_QUEUE, ...(await queuesWithoutTier(config, pipeline))].map((queue) => open(queue, OTHER_CONCURRENCY));
  const configured = new Map(
    Object.entries(config.models).flatMap(([id, model]) =>
      model.tier === tier ? [[modelQueue(tier, id), model.concurrency]] : [],
    ),
  );
  // Jobs accepted under an earlier configuration may wait on queues of models that are gone: they fail over from there.
  const forgotten = (await queueNames(pipeline)).filter((name) => parseModelQueue(name)?.tier === tier && !configured.has(name));
  return [
    ...[...configured].map(([queue, concurrency]) => open(queue, concurrency)),
    ...forgotten.map((queue) => open(queue, OTHER_CONCURRENCY)),
  ];
}

/** Queues of tiers that have left the configuration: no worker has their name, so the fallback's takes them. */
async function queuesWithoutTier(config: UpshiftConfig, pipeline: Pipeline): Promise<string[]> {
  const tiers = config.tiers.map(({ name }) => name);
  return (await queueNames(pipeline)).filter((name) => {
    const model = parseModelQueue(name);
    return model !== null && !tiers.includes(model.tier);
  });
}

/**
 * Tells the other processes; where Redis is away they go by their own circuits. Half open is told to nobody: one call probes, and
 * the shared entry runs out by itself.
 */
function share(pipeline: Pipeline, { modelId, state, openUntilMs }: CircuitChange): void {
  pipeline.logger.warn({ model: modelId, state }, 'circuit');
  pipeline.metrics.circuitOpen.set({ model: modelId }, state === 'open' ? 1 : 0);
  if (state === 'half_open') return;
  const told =
    state === 'open' && openUntilMs !== null ? openCircuit(pipeline, modelId, openUntilMs) : closeCircuit(pipeline, modelId);
  told.catch((error: unknown) => pipeline.logger.warn({ model: modelId, reason: String(error) }, 'could not share a circuit'));
}
