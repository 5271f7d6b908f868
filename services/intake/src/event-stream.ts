import { once } from 'node:events';

import type { Response } from 'express';

/** A comment this often keeps proxies from cutting the connection, in ms. */
const HEARTBEAT_MS = 10_000;
/** What clients are told to wait before they connect again, in ms. */
const RETRY_MS = 2000;
/** Written at a time to a client that is waited for. */
const PIECE_BYTES = 65_536;
/** A client that is waited for and takes nothing for so long does not read, in ms. */
const LONGEST_WAIT_MS = 10_000;

interface ServerEvent {
  id?: string;
  name: string;
  data: unknown;
}

/** A response of server-sent events. */
export interface EventStream {
  /** Fires when the client is gone or too slow, or the stream has been ended. */
  closed: AbortSignal;
  send(event: ServerEvent): void;
  /** Sends an event as fast as the client takes it, however long it is. Resolves once it is on its way, or the client is gone. */
  sendInPieces(event: ServerEvent): Promise<void>;
  /** Bytes that the client has not taken yet. */
  backlogBytes(): number;
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
  setHeaders(response).flushHeaders();
  response.write(`retry: ${RETRY_MS}\n\n`);
  // Not between the pieces of an event.
  const heartbeat = setInterval(() => response.writableNeedDrain || response.write(': alive\n\n'), HEARTBEAT_MS);
  const close = (): void => {
    clearInterval(heartbeat);
    closed.abort();
  };
  response.on('close', close);
  if (response.destroyed) close();
  const drained = async (): Promise<void> => {
    if (!response.writableNeedDrain) return;
    const limit = setTimeout(() => response.destroy(), LONGEST_WAIT_MS);
    await once(response, 'drain', { signal: closed.signal }).catch(() => undefined);
    clearTimeout(limit);
  };
  return {
    closed: closed.signal,
    send(event) {
      if (!closed.signal.aborted) response.write(textOf(event));
    },
    async sendInPieces(event) {
      const bytes = Buffer.from(textOf(event));
      for (let from = 0; from < bytes.length && !closed.signal.aborted; from += PIECE_BYTES) {
        response.write(bytes.subarray(from, from + PIECE_BYTES));
        await drained();
      }
    },
    backlogBytes: () => response.writableLength,
    standAt: (id) => void response.write(`id: ${id}\n\n`),
    drained,
    cut: () => void response.destroy(),
    end() {
      // First: nothing may be written after the end.
      close();
      response.end();
    },
  };
}

/** What `HEAD` is answered with: Express has the handler of `GET` do it, whose stream would never end. */
export function sendHeaders(response: Response): void {
  setHeaders(response).end();
}

function setHeaders(response: Response): Response {
  return response
    .status(200)
    .set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' });
}

function textOf({ id, name, data }: ServerEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
