import { fileURLToPath } from 'node:url';

import type { UpshiftConfig } from '@upshift/contracts';

import { start } from './supervisor.ts';
import type { Program, Started } from './supervisor.ts';

export interface FleetOptions {
  config: UpshiftConfig;
  /** What every program gets; provider keys go to the workers alone. */
  environment: NodeJS.ProcessEnv;
  /** For the console alone. */
  consolePassword: string;
  directory: string;
  port: number;
  /** Services that are not needed. */
  leaveOut?: readonly string[];
  /** Worker processes of a tier, where it is to have more than one. */
  workers?: Record<string, number>;
  /** A program in the worker's place. */
  workerProgram?: string;
  say: (line: string) => void;
}

/** Everything that runs, and how to stop it in order. */
export interface Fleet {
  /** Ready first: jobs are accepted while the others still start. */
  intake: Started;
  all: Promise<Started[]>;
  stop(): Promise<void>;
}

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** Starts all services: intake first, so that work is accepted at once, then the rest side by side. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const [first, ...rest] = programsOf(options);
  const intake = await start(first!, options.directory, options.say);
  const others = rest.map((program) => start(program, options.directory, options.say));
  const all = Promise.all([Promise.resolve(intake), ...others]);
  // Heard of where it is waited for, which one that is stopped meanwhile is not.
  all.catch(() => undefined);
  return {
    intake,
    all,
    async stop() {
      // No new work first, also where the others still start; then those that finish what is in hand, then those that only look on.
      await intake.stop();
      const settled = await Promise.allSettled(others);
      const started = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const { working = [], looking = [] } = Object.groupBy(started, ({ name }) =>
        /^(worker|classifier|scorer)/.test(name) ? 'working' : 'looking',
      );
      for (const group of [working, looking]) await Promise.all(group.map((program) => program.stop()));
    },
  };
}

export function startSandbox(
  directory: string,
  books: string[],
  faults: string | null,
  port: number,
  say: (line: string) => void,
): Promise<Started> {
  const flags = [...books.flatMap((book) => ['--book', book]), ...(faults === null ? [] : ['--faults', faults])];
  return startSandboxWith(flags, directory, port, say);
}

/** A sandbox that gives what was recorded for the very job, and nothing else. */
export function startRecordedSandbox(directory: string, say: (line: string) => void): Promise<Started> {
  return startSandboxWith(['--recorded'], directory, 0, say);
}

function startSandboxWith(flags: string[], directory: string, port: number, say: (line: string) => void): Promise<Started> {
  return start(
    {
      name: 'sandbox',
      file: `${root}test/sandbox/main.ts`,
      arguments: flags,
      environment: { ...process.env, PORT: String(port) },
    },
    directory,
    say,
  );
}

function programsOf(options: FleetOptions): Program[] {
  const { config, environment, port, consolePassword, leaveOut = [] } = options;
  const tiers = [...config.tiers.map(({ name }) => name), 'fallback'];
  const services = ['intake', 'console', 'classifier', 'scorer', 'steward'].map((name) => ({
    name,
    service: name,
    tier: null as string | null,
  }));
  const workers = tiers.flatMap((tier) =>
    Array.from({ length: options.workers?.[tier] ?? 1 }, () => ({ name: `worker-${tier}`, service: 'worker', tier })),
  );
  const keyless = withoutKeys(config, environment);
  // Last, so that no other port moves.
  const notifier = { name: 'notifier', service: 'notifier', tier: null };
  const programs = [...services, ...workers, notifier].filter(({ service }) => !leaveOut.includes(service));
  return programs.map(({ name, service, tier }, index) => ({
    name,
    file: (tier === null ? undefined : options.workerProgram) ?? `${root}services/${service}/src/main.ts`,
    arguments: [],
    environment: {
      ...(tier === null ? keyless : { ...environment, TIER: tier }),
      ...(service === 'console' ? { UPSHIFT_CONSOLE_PASSWORD: consolePassword } : {}),
      PORT: String(portOf(port, index)),
    },
  }));
}

/** Between the port of the job API and that of the sandbox, which is the same however many tiers there are. */
export const SANDBOX_PORT_OFFSET = 10;

/** The ports of programs follow the first one's and leave out the sandbox's; 0 takes any that is free. */
export function portOf(first: number, index: number): number {
  if (first === 0) return 0;
  return first + index + (index < SANDBOX_PORT_OFFSET ? 0 : 1);
}

function withoutKeys(config: UpshiftConfig, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = Object.values(config.providers).flatMap(({ api_key_env: name }) => (name ? [name] : []));
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}
