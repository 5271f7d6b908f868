/** The calls in flight of this process, by job, so that each can be stopped alone. */
export interface Calls {
  /** Runs a call under a signal of its own, which fires when the job is aborted or `lost` fires. */
  run<Result>(jobId: string, lost: AbortSignal, call: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
  abort(jobId: string, reason: string): void;
  abortAll(reason: string): void;
}

export function createCalls(): Calls {
  const inFlight = new Map<string, Set<AbortController>>();

  const abort = (jobId: string, reason: string): void =>
    inFlight.get(jobId)?.forEach((controller) => controller.abort(new Error(reason)));

  return {
    async run(jobId, lost, call) {
      // By hand: what `AbortSignal.any` makes for each call costs as much as a step, most of it in garbage collection.
      const controller = new AbortController();
      const onLost = (): void => controller.abort(lost.reason);
      lost.addEventListener('abort', onLost);
      if (lost.aborted) onLost();
      const ofJob = inFlight.get(jobId) ?? new Set();
      inFlight.set(jobId, ofJob.add(controller));
      try {
        return await call(controller.signal);
      } finally {
        lost.removeEventListener('abort', onLost);
        ofJob.delete(controller);
        if (ofJob.size === 0) inFlight.delete(jobId);
      }
    },
    abort,
    abortAll: (reason) => [...inFlight.keys()].forEach((jobId) => abort(jobId, reason)),
  };
}
