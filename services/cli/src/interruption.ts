/** What a shell expects of a program that Ctrl-C has ended. */
export const INTERRUPTED = 130;

/** A signal to a process group comes once more from whoever passes it on; what follows so soon is the same one. In ms. */
const SAME_SIGNAL_MS = 1000;

export interface Interruption {
  /** Resolves at the first Ctrl-C or SIGTERM, or when the terminal is closed. */
  happened: Promise<'interrupted'>;
  /** Leaves signals to Node again. */
  forget(): void;
}

/** For a command that must stop what it has started. A second signal ends the process at once. */
export function interruption(): Interruption {
  const { promise, resolve } = Promise.withResolvers<'interrupted'>();
  let firstAt: number | null = null;
  const interrupt = (): void => {
    if (firstAt !== null && performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    firstAt ??= performance.now();
    resolve('interrupted');
  };
  // What is said while everything stops may have nobody left who reads it, which must not keep anything from being stopped.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => undefined);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  return { happened: promise, forget: () => signals.forEach((signal) => process.off(signal, interrupt)) };
}
