import type { Metrics } from '@upshift/runtime';

/** Four measurements that did not come, in ms: Redis is away, and whoever scales by the last one would go by what was before. */
const NEWS_FOR_MS = 20_000;

/** What was last measured of the queues: in the gauges for as long as it is news. */
export function createMeasures<Subject>(
  { queueDepth, oldestWaitingSeconds }: Pick<Metrics, 'queueDepth' | 'oldestWaitingSeconds'>,
  measure: (subject: Subject) => Promise<void>,
) {
  let forgetting: NodeJS.Timeout | undefined;

  function forget(): void {
    queueDepth.reset();
    oldestWaitingSeconds.reset();
  }

  return {
    async take(subject: Subject): Promise<void> {
      await measure(subject);
      clearTimeout(forgetting);
      // On a timer: the steward's own turns wait for Redis to come back.
      forgetting = setTimeout(forget, NEWS_FOR_MS).unref();
    },
    forget,
  };
}
