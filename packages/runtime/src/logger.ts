import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger } from 'pino';

/** Where a prompt, an answer or a key could slip into a log line by mistake. */
const redacted = ['input', 'messages', 'prompt', 'text', 'answer', 'apiKey', 'password', 'headers'].flatMap((name) => [
  name,
  `*.${name}`,
]);

/** JSON lines on stderr, so that stdout stays free for results. Prompts and answers are never logged. */
export function createLogger(service: string, level: string): Logger {
  return pino({ name: service, level, redact: { paths: redacted, censor: '[redacted]' } }, pino.destination(2));
}
