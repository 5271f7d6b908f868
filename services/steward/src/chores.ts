import { setTimeout as pause } from 'node:timers/promises';

import { createFailureLog } from '@upshift/runtime';
import type { Logger } from '@upshift/runtime';

/** What is done again and again, with so much time at least from one beginning to the next. */
export interface Chore<Subject> {
  name: string;
  everyMs: number;
  run: (subject: Subject) => Promise<unknown>;
}

/**
 * Chores of several subjects, each one for itself: neither a cell whose Redis is away nor a chore that takes long, as one that looks at every
 * waiting job, keeps another one waiting.
 */
export function createChores(logger: Pick<Logger, 'error'>) {
  // By a clock that nobody sets.
  const due = new Map<string, number>();
  const running = new Map<string, Promise<void>>();
  const sayFailure = createFailureLog((fields, words) => logger.error(fields, words));

  async function run<Subject>(what: string, chore: Chore<Subject>, subject: Subject): Promise<void> {
    await chore.run(subject).catch((error: unknown) => sayFailure('chore failed', { chore: what }, error));
    running.delete(what);
  }

  return {
    /** Begins those that are due and not under way. */
    start<Subject>(name: string, chores: Chore<Subject>[], subject: Subject): void {
      for (const chore of chores) {
        const what = `${name}: ${chore.name}`;
        if (running.has(what) || performance.now() < (due.get(what) ?? 0)) continue;
        due.set(what, performance.now() + chore.everyMs);
        running.set(what, run(what, chore, subject));
      }
    },
    ended: async () => void (await Promise.all(running.values())),
  };
}

/** Takes one turn after the other, with a pause between them, until it is told to stop. */
export async function takeTurns(
  logger: Pick<Logger, 'error'>,
  pauseMs: number,
  stopping: AbortSignal,
  turn: () => Promise<void>,
): Promise<void> {
  const sayFailure = createFailureLog((fields, words) => logger.error(fields, words));
  while (!stopping.aborted) {
    await turn().catch((error: unknown) => sayFailure('no chore was begun', {}, error));
    await pause(pauseMs, undefined, { signal: stopping }).catch(() => undefined);
  }
}
