import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

/** Where a prompt, an answer or a key could slip into a log line by mistake. */
const words = ['input', 'messages', 'prompt', 'text', 'texts', 'content', 'answer', 'output', 'body', 'request'];
const keys = ['apiKey', 'password', 'headers', 'authorization', 'secret', 'secrets'];
const redacted = [words, keys].flat().flatMap((name) => [name, `*.${name}`]);

/** Lines that could not be written yet and are kept for when they can; what comes on top is lost. In bytes. */
const MOST_UNWRITTEN = 1_000_000;

/** JSON lines on stderr, so that stdout stays free for results. Prompts and answers are never logged. */
export function createLogger(service: string, level: string): Logger {
  // At once: what is left for later is tried for ever when the process ends, and on a full disk it would not end.
  const lines = pino.destination({ dest: 2, sync: true, maxLength: MOST_UNWRITTEN });
  // A full disk is no reason to stop what runs.
  lines.on('error', () => undefined);
  return pino({ name: service, level, redact: { paths: redacted, censor: '[redacted]' } }, lines);
}
