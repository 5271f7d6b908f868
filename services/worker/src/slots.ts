import { adaptLimit } from '@upshift/routing';
import type { CallOutcome } from '@upshift/routing';

/** How many calls of a model this process makes at a time: fewer while its provider is busy, up to the model's `concurrency`. */
export interface Slots {
  /** Runs the work when a slot is free, or when what it waits with fires: it then sees that by itself. It gives what its call came to. */
  run(model: string, most: number, waitingUntil: () => AbortSignal, work: () => Promise<CallOutcome>): Promise<void>;
  /** One call at a time, and more with each round of answers: for a model that has just come back. */
  beginAnew(model: string): void;
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

  const setLimit = (model: string, slots: ModelSlots, limit: number): void => {
    if (Math.floor(limit) !== Math.floor(slots.limit)) onChange(model, Math.floor(limit));
    slots.limit = limit;
  };

  return {
    beginAnew(model) {
      const slots = byModel.get(model);
      if (slots) setLimit(model, slots, 1);
    },
    async run(model, most, waitingUntil, work) {
      const slots = slotsOf(model, most);
      if (isFull(slots)) await takeFreeSlot(slots, waitingUntil());
      else slots.inFlight += 1;
      try {
        const outcome = await work();
        setLimit(model, slots, adaptLimit(slots.limit, most, outcome));
      } finally {
        slots.inFlight -= 1;
        slots.change.resolve();
        slots.change = Promise.withResolvers<void>();
      }
    },
  };
}

function isFull({ inFlight, limit }: ModelSlots): boolean {
  return inFlight >= Math.floor(limit);
}

/** Takes the slot that becomes free in the turn in which it sees it: else all who wait would take the same one. Or stops waiting. */
async function takeFreeSlot(slots: ModelSlots, stop: AbortSignal): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const onStop = (): void => stopped.resolve();
  stop.addEventListener('abort', onStop);
  while (isFull(slots) && !stop.aborted) await Promise.race([slots.change.promise, stopped.promise]);
  slots.inFlight += 1;
  stop.removeEventListener('abort', onStop);
}
