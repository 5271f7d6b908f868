import { EventEmitter, once } from 'node:events';

import { connect } from './connection.ts';
import { channels } from './names.ts';
import type { Connection } from './pipeline.ts';

/** Hears of jobs that end and of jobs whose calls must stop. One connection per process. */
export interface Signals {
  /** Resolves when the job ends, or at the signal. The caller reads the record: a signal may be missed, a record not. */
  ended(id: string, signal: AbortSignal): Promise<void>;
  onAbort(listener: (id: string) => void): void;
  close(): void;
}

/** @param wanted what this process listens for: a message that nobody needs costs time in every process */
export async function listenToSignals(connection: Connection, wanted: 'ended' | 'abort'): Promise<Signals> {
  const redis = connect(connection.url, { failFast: false });
  redis.on('error', (error) => connection.logger.warn({ reason: error.message }, 'signals'));
  const emitter = new EventEmitter().setMaxListeners(0);
  redis.on('message', (channel, ids) => {
    for (const id of ids.split(',')) emitter.emit(channel === channels.abort ? 'abort' : `ended:${id}`, id);
  });
  await redis.subscribe(channels[wanted]);
  return {
    async ended(id, signal) {
      await once(emitter, `ended:${id}`, { signal }).catch(() => undefined);
    },
    onAbort: (listener) => void emitter.on('abort', listener),
    close: () => redis.disconnect(),
  };
}
