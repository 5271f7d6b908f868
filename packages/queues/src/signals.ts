import { EventEmitter, once } from 'node:events';

import { connect } from './connection.ts';
import { channels } from './names.ts';
import type { Connection } from './pipeline.ts';

/** Hears of jobs that end and of jobs whose calls must stop. One connection per process. */
export interface Signals {
  /** Resolves when the job ends, or at the signal. The caller reads the record: a signal may be missed, a record not. */
  ended(id: string, signal: AbortSignal): Promise<void>;
  /** Whether the job is among the last thousand that ended: for who listens only when it is accepted. It may run again since. */
  hasJustEnded(id: string): boolean;
  onAbort(listener: (id: string) => void): void;
  close(): void;
}

const REMEMBERED = 1000;

/** @param wanted what this process listens for: a message that nobody needs costs time in every process */
export async function listenToSignals(connection: Connection, wanted: 'ended' | 'abort'): Promise<Signals> {
  const redis = connect(connection.url, { failFast: false });
  redis.on('error', (error) => connection.sayFailure('signals', {}, error));
  const emitter = new EventEmitter().setMaxListeners(0);
  const remembered = new Set<string>();
  const ended = (id: string): void => {
    remembered.add(id);
    const [oldest = id] = remembered;
    if (remembered.size > REMEMBERED) remembered.delete(oldest);
    emitter.emit(`ended:${id}`);
  };
  const abort = (id: string): void => void emitter.emit('abort', id);
  redis.on('message', (channel, ids) => {
    const hear = channel === channels.abort ? abort : ended;
    for (const id of ids.split(',')) hear(id);
  });
  await redis.subscribe(channels[wanted]);
  return {
    async ended(id, signal) {
      await once(emitter, `ended:${id}`, { signal }).catch(() => undefined);
    },
    hasJustEnded: (id) => remembered.has(id),
    onAbort: (listener) => void emitter.on('abort', listener),
    close: () => redis.disconnect(),
  };
}
