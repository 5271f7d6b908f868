import { once } from 'node:events';

import type { Response } from 'express';

/** A comment this often keeps proxies from cutting the connection, in ms. */
const HEARTBEAT_MS = 10_000;
/** What clients are told to wait before they connect again, in ms. */
const RETRY_MS = 2000;
/** A client that has let so many bytes pile up is too slow: it is let go, and comes back by its last event id. */
const LONGEST_BACKLOG_BYTES = 1_000_000;
/** A client that is waited for and takes nothing for so long does not read, in ms. */
const LONGEST_WAIT_MS = 10_000;

/** A response of server-sent events. */
export interface EventStream {
  /** Fires when the client is gone or too slow, or the stream has been ended. */
  closed: AbortSignal;
  send(event: { id?: string; name: string; data: unknown }): void;
  /** Tells a client that has had no event yet where it stands, so that it can come back to here. */
  standAt(id: string): void;
  /** Resolves once the client has room for more, or is gone. */
  drained(): Promise<void>;
  /** Lets the client go. */
  cut(): void;
  end(): void;
}

export function openEventStream(response: Response): EventStream {
  const closed = new AbortController();
  response.status(200).set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  response.write(`retry: ${RETRY_MS}\n\n`);
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  const close = (): void => {
    clearInterval(heartbeat);
    closed.abort();
  };
  response.on('close', close);
  if (response.destroyed) close();
  return {
    closed: closed.signal,
    send({ id, name, data }) {
      if (closed.signal.aborted) return;
      response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
      if (response.writableLength > LONGEST_BACKLOG_BYTES) response.destroy();
    },
    standAt: (id) => void response.write(`id: ${id}\n\n`),
    async drained() {
      if (!response.writableNeedDrain) return;
      const limit = setTimeout(() => response.destroy(), LONGEST_WAIT_MS);
      await once(response, 'drain', { signal: closed.signal }).catch(() => undefined);
      clearTimeout(limit);
    },
    cut: () => void response.destroy(),
    end() {
      // First: nothing may be written after the end.
      close();
      response.end();
    },
  };
}
