import { setTimeout as pause } from 'node:timers/promises';

import type { CallError, JobEvent, UpshiftConfig } from '@upshift/contracts';
import { splitModelId } from '@upshift/contracts';
import { holdBack, reservePlace, settlePlace } from '@upshift/queues';
import type { Pipeline, Place } from '@upshift/queues';
import { placesOf } from '@upshift/routing';

/** The size of a call, in tokens, as far as it is known beforehand. */
export interface Size {
  inputTokens: number;
  maxOutputTokens: number;
}

/** Waits in hand for a place within the limits of the model and its account. `refused` says why there is none in time. */
export async function takePlace(
  pipeline: Pipeline,
  config: UpshiftConfig,
  model: string,
  size: Size,
  waitingUntil: () => AbortSignal,
): Promise<{ refused: CallError | null }> {
  const { places, mostMs } = placesOf(config, model, size);
  if (places.length === 0) return { refused: null };
  const taken = await reservePlace(pipeline, places, mostMs);
  if ('tooLongMs' in taken) return { refused: noPlace(model, taken.tooLongMs, mostMs) };
  if (taken.waitMs > 0) await pause(taken.waitMs, undefined, { signal: waitingUntil() }).catch(() => undefined);
  return { refused: null };
}

/** Settles what the call really took; after the vendor's own limit every worker waits as long as it said. */
export async function giveBackPlace(
  pipeline: Pipeline,
  config: UpshiftConfig,
  model: string,
  size: Size,
  event: JobEvent,
): Promise<void> {
  const { places } = placesOf(config, model, size);
  if (places.length === 0) return;
  await settle(pipeline, places, event).catch((error: unknown) =>
    // The estimate stays in force, which errs on the side of the limit.
    pipeline.logger.warn({ model, reason: String(error) }, 'could not settle a rate limit'),
  );
}

async function settle(pipeline: Pipeline, places: Place[], event: JobEvent): Promise<void> {
  if (event.type === 'answered' && event.usage !== null)
    await settlePlace(pipeline, places, event.usage.inputTokens + event.usage.outputTokens);
  if (event.type === 'call-failed' && event.error.code === 'rate_limited' && event.error.retryAfterMs !== null)
    await holdBack(pipeline, places, event.error.retryAfterMs);
}

/** A limit that lasts too long is no reason to wait: its `retryAfterMs` is longer than any wait, so another model is asked. */
function noPlace(model: string, waitMs: number, mostMs: number): CallError {
  return {
    code: 'rate_limited',
    message: `no place within ${mostMs} ms under its rate_limit (the next is in ${waitMs} ms)`,
    retryable: true,
    retryAfterMs: Math.max(waitMs, 60_000),
    maybeBilled: false,
    provider: splitModelId(model).provider,
    status: null,
    requestId: null,
  };
}
