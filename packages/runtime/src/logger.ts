import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

/** Where a prompt, an answer or a key could slip into a log line by mistake. */
const words = ['input', 'messages', 'prompt', 'text', 'texts', 'content', 'answer', 'output', 'body', 'request'];
const keys = ['apiKey', 'password', 'headers', 'authorization', 'secret', 'secrets'];
const redacted = [words, keys].flat().flatMap((name) => [name, `*.${name}`]);

/** JSON lines on stderr, so that stdout stays free for results. Prompts and answers are never logged. */
export function createLogger(service: string, level: string): Logger {
  return pino({ name: service, level, redact: { paths: redacted, censor: '[redacted]' } }, pino.destination(2));
}
