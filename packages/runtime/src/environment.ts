import { wordsOf } from '@upshift/contracts';
import { z } from 'zod';

import { ConfigError } from './config-file.ts';

/** A day: a timer of more than 24.8 days would go off at once. In s. */
const LONGEST_WAIT_S = 86_400;

const number = z.coerce.number({ error: ({ input }) => (Number.isNaN(input) ? 'must be a number' : undefined) });

const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an address as in http://127.0.0.1:4318' });

/**
 * Every environment variable that Upshift and its libraries read, with what it means. Keys and addresses of providers are named by the
 * configuration (`api_key_env`, `base_url_env`) and read by `resolveProviders`. This is the only file that touches
 * `process.env`.
 */
export const environmentVariables = z.object({
  REDIS_URL: z
    .string()
    .regex(
      /^(unix|rediss?(\+cluster|\+sentinel)?):\/\//,
      'must start with redis://, redis+cluster://, redis+sentinel:// (or rediss… for TLS) or unix://',
    )
    .optional()
    .describe(
      'The Redis to use: redis://host:6379, unix:///path, redis+cluster://host:6379,host:6379, or redis+sentinel://host:26379,host:26379/master; rediss… for TLS; user:password@ before the host. Needs AOF and maxmemory-policy noeviction.',
    ),
  UPSHIFT_CONFIG: z.string().default('upshift.config.yaml').describe('The configuration file.'),
  UPSHIFT_DISPOSABLE_REDIS: z.stringbool().default(false).describe('true: start although Redis may lose what was accepted.'),
  UPSHIFT_CELLS: number
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe(
      'Over how many cells new jobs are spread, from 1 to 16: each is a pipeline of its own, with one hash tag for Redis Cluster.',
    ),
  UPSHIFT_CONSUME_CELLS: z
    .string()
    .regex(/^\d{1,2}(-\d{1,2})?(,\d{1,2}(-\d{1,2})?)*$/, 'must be numbers of cells, as in 0,2 or 0-3')
    .transform(numbersOf)
    .optional()
    .describe('Classifier, worker, scorer, notifier: the cells that this process consumes, as in 0,2 or 0-3. Unset: all.'),
  UPSHIFT_SANDBOX_URL: httpUrl.optional().describe('A provider sandbox that stands in for all providers.'),
  UPSHIFT_CONSOLE_PASSWORD: z
    .string()
    .min(8)
    .optional()
    .describe('The password of the console, user name upshift. Without one the console does not start.'),
  HOST: z.string().default('127.0.0.1').describe('The address that services listen on; npm start takes 127.0.0.1.'),
  PORT: number
    .int()
    .min(0)
    .max(65535)
    .default(0)
    .describe('The port of a service; 0 takes any free one. npm start gives out its own.'),
  TIER: z.string().optional().describe('Worker only: the tier whose model queues it consumes, or fallback.'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('How much is logged.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl
    .optional()
    .describe('An OpenTelemetry collector (OTLP over HTTP), as http://127.0.0.1:4318. Unset: nothing is traced.'),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .optional()
    .describe('Headers for the collector, as in authorization=KEY,other=value. OpenTelemetry’s SDK reads it itself.'),
  OTEL_TRACES_SAMPLER_ARG: number
    .min(0)
    .max(1)
    .default(1)
    .describe('The share of jobs that are traced, from 0 to 1. A client’s own traceparent decides for its job.'),
  STUCK_AFTER_S: number
    .positive()
    .max(LONGEST_WAIT_S)
    .default(60)
    .describe(
      'A process that takes nothing for so long, in seconds, although a queue has due entries and it has a free slot, ends with 1. At most 86400.',
    ),
  SHUTDOWN_GRACE_S: number
    .positive()
    .max(LONGEST_WAIT_S)
    .default(20)
    .describe('How long calls in flight may take to finish after SIGTERM, in seconds; at most 86400.'),
  UPSHIFT_URL: z
    .string()
    .optional()
    .describe('Command line only: the job API, where no --url says it. Unset: http://127.0.0.1:7700.'),
});
export type Environment = z.infer<typeof environmentVariables> & { raw: NodeJS.ProcessEnv };

/** `0,2-4` are 0, 2, 3 and 4; each once, in ascending order. */
function numbersOf(text: string): number[] {
  const numbers = text.split(',').flatMap((part) => {
    const ends = part.split('-').map(Number);
    const first = Math.min(...ends);
    return Array.from({ length: Math.max(...ends) - first + 1 }, (_, index) => first + index);
  });
  return [...new Set(numbers)].toSorted((one, other) => one - other);
}

/** Reads the environment once, at start. Throws a `ConfigError` that lists every bad variable. */
export function readEnvironment(raw: NodeJS.ProcessEnv = process.env): Environment {
  // White space around them is none of theirs: a Secret that was made of a file has the end of its line.
  const trimmed = Object.entries(raw).map(([name, value]) => [name, value?.trim()] as const);
  const given = Object.fromEntries(trimmed.filter(([, value]) => value !== ''));
  const parsed = environmentVariables.safeParse(given);
  if (parsed.success) return { ...parsed.data, raw: given };
  throw new ConfigError(
    'the environment',
    parsed.error.issues.map((issue) => `${issue.path.join('.')}${shownValue(String(issue.path[0]), given)}: ${wordsOf(issue)}`),
  );
}

/** Never told, whatever is wrong with them. */
const secretVariables = new Set(['UPSHIFT_CONSOLE_PASSWORD', 'OTEL_EXPORTER_OTLP_HEADERS']);

/** What a variable holds, for an error: without secrets, and without a URL's user, password and parameters. */
function shownValue(name: string, given: NodeJS.ProcessEnv): string {
  if (secretVariables.has(name)) return '';
  return `=${JSON.stringify(given[name]?.replace(/^([a-z+]*:?\/\/)?.*@/is, '$1…@').replace(/\?.+/s, '?…'))}`;
}
