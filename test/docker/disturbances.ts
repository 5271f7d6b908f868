import type { RunProgress } from '../../services/cli/src/up/progress.ts';
import type { Container, Stack } from './stack.ts';

/** Something that happens to the system in the middle of a run. */
interface Disturbance {
  name: string;
  /** When this share of the jobs has ended. */
  after: number;
  happen: (stack: Stack) => Promise<unknown>;
}

/** A disturbance that happened: how far the run was, and how long it took. */
export interface Happened {
  name: string;
  endedBefore: number;
  seconds: number;
}

export const SCALED = { service: 'worker-economy', count: 3 };

const disturbances: Disturbance[] = [
  {
    name: `scale ${SCALED.service} to ${SCALED.count}`,
    after: 0.1,
    happen: (stack) => stack.up({ [SCALED.service]: SCALED.count }),
  },
  { name: `kill a ${SCALED.service}`, after: 0.4, happen: crashOne },
  {
    name: 'restart redis',
    after: 0.6,
    happen: async (stack) => {
      await stack.restart('redis');
      await stack.untilHealthy('redis');
    },
  },
];

async function crashOne(stack: Stack): Promise<void> {
  const [victim] = await stack.containers(SCALED.service);
  if (victim === undefined) throw new Error(`there is no ${SCALED.service} to kill`);
  await stack.crash(victim);
  await stack.untilRestarted(victim);
}

/** Lets each disturbance happen at its share of the run, one after another. */
export function disturb(stack: Stack, sandbox: Container, say: (line: string) => void) {
  const waiting = [...disturbances];
  const happened: Happened[] = [];
  const failed = Promise.withResolvers<never>();
  let last = Promise.resolve();
  return {
    names: disturbances.map(({ name }) => name),
    /** Rejects as soon as one could not happen: the sandbox may then hold its answers for good. */
    failed: failed.promise,
    /** To be told how far the run is. */
    watch: ({ ended, total }: RunProgress): void => {
      const next = waiting[0];
      if (next === undefined || ended < next.after * total) return;
      waiting.shift();
      last = afterwards(last, next, ended);
      last.catch(failed.reject);
    },
    /** What has happened, once it has. */
    async happened(): Promise<Happened[]> {
      await last;
      return happened;
    },
  };

  async function afterwards(earlier: Promise<void>, next: Disturbance, endedBefore: number): Promise<void> {
    await earlier;
    await underHold(next, endedBefore);
  }

  /** The sandbox holds its answers meanwhile, so that calls are in flight and the run does not end first. */
  async function underHold({ name, happen }: Disturbance, endedBefore: number): Promise<void> {
    const startedAt = performance.now();
    say(`${endedBefore} jobs have ended: ${name}`);
    await hold(stack, sandbox, true);
    await happen(stack);
    await hold(stack, sandbox, false);
    happened.push({ name, endedBefore, seconds: secondsSince(startedAt) });
  }
}

async function hold(stack: Stack, sandbox: Container, on: boolean): Promise<void> {
  const request = { method: 'PUT', body: JSON.stringify({ hold: on }) };
  await stack.evaluate(sandbox.id, `await fetch('http://127.0.0.1:7700/_sandbox/settings', ${JSON.stringify(request)})`);
}

/** With one decimal. */
export function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}
