import type { CallErrorCode } from '@upshift/contracts';
import { adaptLimit } from '@upshift/routing';

/** How many calls of a model this process makes at a time: fewer while its provider is busy, up to the model's `concurrency`. */
export interface Slots {
  /**
   * Runs the work when a slot is free, or when what it waits with fires: it then sees that by itself. It gives the error that the
   * model's provider ended the call with; null after an answer.
   */
  run(
    model: string,
    most: number,
    waitingUntil: () => AbortSignal,
    work: () => Promise<{ code: CallErrorCode } | null>,
  ): Promise<void>;
}

interface ModelSlots {
  limit: number;
  inFlight: number;
  change: PromiseWithResolvers<void>;
}

/** @param onChange told of each new limit, in calls */
export function createSlots(onChange: (model: string, limit: number) => void): Slots {
  const byModel = new Map<string, ModelSlots>();
  const slotsOf = (model: string, most: number): ModelSlots => {
    const slots = byModel.get(model) ?? { limit: most, inFlight: 0, change: Promise.withResolvers<void>() };
    byModel.set(model, slots);
    return slots;
  };

  return {
    async run(model, most, waitingUntil, work) {
      const slots = slotsOf(model, most);
      await freeSlot(slots, waitingUntil);
      slots.inFlight += 1;
      try {
        const error = await work();
        const limit = adaptLimit(slots.limit, most, error?.code ?? null);
        if (Math.floor(limit) !== Math.floor(slots.limit)) onChange(model, Math.floor(limit));
        slots.limit = limit;
      } finally {
        slots.inFlight -= 1;
        slots.change.resolve();
        slots.change = Promise.withResolvers<void>();
      }
    },
  };
}

async function freeSlot(slots: ModelSlots, waitingUntil: () => AbortSignal): Promise<void> {
  if (slots.inFlight < Math.floor(slots.limit)) return;
  const stop = waitingUntil();
  const stopped = Promise.withResolvers<void>();
  const onStop = (): void => stopped.resolve();
  stop.addEventListener('abort', onStop);
  while (slots.inFlight >= Math.floor(slots.limit) && !stop.aborted) await Promise.race([slots.change.promise, stopped.promise]);
  stop.removeEventListener('abort', onStop);
}
