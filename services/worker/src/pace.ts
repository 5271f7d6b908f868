import { setTimeout as pause } from 'node:timers/promises';

import type { CallError, HeardLimit, JobEvent, UpshiftConfig } from '@upshift/contracts';
import { denyProvider, holdBack, learnedLimits, learnLimits, openCircuit, reservePlace, settlePlace } from '@upshift/queues';
import type { Pipeline, Place } from '@upshift/queues';
import { limitsLearned, LONGEST_WAIT_MS, placesOf } from '@upshift/routing';

import { noPlace } from './call-errors.ts';

/** The size of a call, in tokens, as far as it is known beforehand. */
interface Size {
  inputTokens: number;
  maxOutputTokens: number;
}

/** The places that a call has taken, or why there are none in time. */
export type Taken = { places: Place[] } | { refused: CallError };

/** Waits in hand for a place within the limits of the model and its account, declared ones and those that its vendor has told. */
export async function takePlace(
  pipeline: Pipeline,
  config: UpshiftConfig,
  model: string,
  size: Size,
  waitingUntil: () => AbortSignal,
): Promise<Taken> {
  const { places, mostMs } = placesOf(config, model, size, await learnedLimits(pipeline, model));
  if (places.length === 0) return { places };
  const taken = await reservePlace(pipeline, places, mostMs);
  if ('tooLongMs' in taken) {
    const message = `no place within ${mostMs} ms under its rate limit (the next is in ${taken.tooLongMs} ms)`;
    return { refused: noPlace(model, message, taken.tooLongMs) };
  }
  if (taken.waitMs > 0) await pause(taken.waitMs, undefined, { signal: waitingUntil() }).catch(() => undefined);
  return { places };
}

/** Settles what the call really took, and tells all workers what the vendor said of its limits, or that it denied the account. */
export async function giveBackPlace(
  pipeline: Pipeline,
  model: string,
  places: Place[],
  event: JobEvent,
  heard: HeardLimit[],
): Promise<void> {
  await Promise.all([settle(pipeline, places, event), learn(pipeline, model, event, heard)]).catch((error: unknown) =>
    // The estimate stays in force, which errs on the side of the limit; what a provider says it says again.
    pipeline.logger.warn({ model, reason: String(error) }, 'could not share what a provider said of its limits'),
  );
}

async function settle(pipeline: Pipeline, places: Place[], event: JobEvent): Promise<void> {
  if (event.type === 'answered' && event.usage !== null)
    await settlePlace(pipeline, places, event.usage.inputTokens + event.usage.outputTokens);
  const retryAfterMs = retryAfterOf(event);
  if (retryAfterMs !== null) await holdBack(pipeline, places, retryAfterMs);
}

/** A limit that lasts longer than any job waits closes the model, as an open circuit does: its jobs go to others from the start. */
async function learn(pipeline: Pipeline, model: string, event: JobEvent, heard: HeardLimit[]): Promise<void> {
  if (event.type === 'call-failed' && event.error.code === 'provider_denied')
    await denyProvider(pipeline, event.error.provider, event.error.message);
  const now = Date.now();
  const retryAfterMs = retryAfterOf(event);
  if (retryAfterMs !== null && retryAfterMs > LONGEST_WAIT_MS) await openCircuit(pipeline, model, now + retryAfterMs);
  const learned = limitsLearned(heard, retryAfterMs, now);
  if (learned.length > 0) await learnLimits(pipeline, model, learned);
}

function retryAfterOf(event: JobEvent): number | null {
  return event.type === 'call-failed' && event.error.code === 'rate_limited' ? event.error.retryAfterMs : null;
}
