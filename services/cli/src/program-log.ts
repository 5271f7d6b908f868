import { createWriteStream, renameSync, statSync } from 'node:fs';
import type { WriteStream } from 'node:fs';

/** A log that is longer begins anew. In bytes. */
const LONGEST_LOG = 10_000_000;

/** Puts a log that has grown long aside, in the place of the one before it: two are kept. Returns the length of what is left. */
export function beginLongLogAnew(file: string): number {
  const { size = 0 } = statSync(file, { throwIfNoEntry: false }) ?? {};
  if (size < LONGEST_LOG) return size;
  try {
    renameSync(file, `${file}.1`);
  } catch {
    // Where it can not be moved it grows by as much again before the next try.
  }
  return 0;
}

/** The log of one run of a program: what it writes is added to the file. */
export function openLog(file: string, onError: (error: Error) => void) {
  let length = beginLongLogAnew(file);
  let stream = open();

  function open(): WriteStream {
    const opened = createWriteStream(file, { flags: 'a', mode: 0o600 });
    opened.on('error', onError);
    return opened;
  }

  return {
    write(chunk: Buffer): void {
      if (!stream.writable) return;
      if (length >= LONGEST_LOG) {
        stream.end();
        length = beginLongLogAnew(file);
        stream = open();
      }
      length += chunk.length;
      stream.write(chunk);
    },
    end: () => void stream.end(),
  };
}
