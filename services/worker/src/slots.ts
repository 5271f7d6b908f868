import type { CallErrorCode } from '@upshift/contracts';
import { adaptLimit } from '@upshift/routing';

/** How many calls of a model this process makes at a time: fewer while its provider is busy, up to the model's `concurrency`. */
export interface Slots {
  /** Runs the work when a slot is free. `outcomeOf` tells what the model's provider said: null for an answer. */
  run<Result>(
    model: string,
    most: number,
    stop: AbortSignal,
    work: () => Promise<Result>,
    outcomeOf: (result: Result) => CallErrorCode | null,
  ): Promise<Result>;
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
    async run(model, most, stop, work, outcomeOf) {
      const slots = slotsOf(model, most);
      await freeSlot(slots, stop);
      slots.inFlight += 1;
      try {
        const result = await work();
        const limit = adaptLimit(slots.limit, most, outcomeOf(result));
        if (Math.floor(limit) !== Math.floor(slots.limit)) onChange(model, Math.floor(limit));
        slots.limit = limit;
        return result;
      } finally {
        slots.inFlight -= 1;
        slots.change.resolve();
        slots.change = Promise.withResolvers<void>();
      }
    },
  };
}

/** A call that is told to stop while it waits is made, and ends at once as one that was stopped. */
async function freeSlot(slots: ModelSlots, stop: AbortSignal): Promise<void> {
  if (slots.inFlight < Math.floor(slots.limit)) return;
  const stopped = Promise.withResolvers<void>();
  const onStop = (): void => stopped.resolve();
  stop.addEventListener('abort', onStop);
  while (slots.inFlight >= Math.floor(slots.limit) && !stop.aborted) await Promise.race([slots.change.promise, stopped.promise]);
  stop.removeEventListener('abort', onStop);
}
