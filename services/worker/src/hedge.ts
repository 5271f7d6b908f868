import type { Attempt, JobEvent } from '@upshift/contracts';
import { isRedisAway } from '@upshift/queues';
import type { StepContext } from '@upshift/queues';
import { hedgeAfterMs } from '@upshift/routing';

/** Calls of a model whose durations are remembered. */
const REMEMBERED = 100;

/** How long the last calls of each model took in this process, in ms. */
export class Durations {
  readonly #byModel = new Map<string, number[]>();

  add(model: string, durationMs: number): void {
    const durations = this.#byModel.get(model) ?? [];
    this.#byModel.set(model, [...durations, durationMs].slice(-REMEMBERED));
  }

  /** After how long a call of the model is unusually slow, in ms; null while nobody knows. */
  slowAfterMs(model: string): number | null {
    return hedgeAfterMs(this.#byModel.get(model) ?? []);
  }
}

/** Makes the call of an attempt, until `stop` fires. Gives the event that it ended with; null where it was not made. */
export type MakeCall = (attempt: Attempt, stop: AbortSignal, onSent?: () => void) => Promise<JobEvent | null>;

/**
 * Makes a call, and where it is slower than `afterMs` another one beside it, if the job allows it. What the first one waits before it
 * is sent is no slowness of its model. The first answer ends the other call. Resolves when both have ended and are settled.
 */
export async function withHedge(
  { advance }: StepContext<'call'>,
  first: Attempt,
  afterMs: number,
  stop: AbortSignal,
  make: MakeCall,
  makeHedge: MakeCall,
): Promise<void> {
  const [ofFirst, ofHedge] = [new AbortController(), new AbortController()];
  const hedge = async (): Promise<void> => {
    // Of use now or not at all.
    const advanced = await advance({ type: 'hedge-due', attempt: first.number, afterMs }).catch(nullWhileAway);
    const second = advanced?.changed ? advanced.job.attempts.find(({ hedges }) => hedges === first.number) : undefined;
    if (second === undefined) return;
    const event = await makeHedge(second, AbortSignal.any([stop, ofHedge.signal]));
    if (event?.type === 'answered') ofFirst.abort(new Error('another model was faster'));
  };
  let hedging: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const startTimer = (): void => {
    timer = setTimeout(() => {
      hedging = hedge();
      // Looked at below, when the first call has ended; a failure before that is no unhandled one.
      hedging.catch(() => undefined);
    }, afterMs);
  };
  try {
    const event = await make(first, AbortSignal.any([stop, ofFirst.signal]), startTimer);
    if (event?.type === 'answered') ofHedge.abort(new Error('the first model has answered'));
  } finally {
    clearTimeout(timer);
    await hedging;
  }
}

function nullWhileAway(error: unknown): null {
  if (isRedisAway(error)) return null;
  throw error;
}
