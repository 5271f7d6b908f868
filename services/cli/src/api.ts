import { problemView } from '@upshift/contracts';
import type { ProblemView } from '@upshift/contracts';

import { CommandError, exitCode } from './exit-code.ts';
import { runsIn } from './runs-in.ts';

/** What became of a line of a bulk request. */
export interface LineAnswer {
  id?: string;
  error?: ProblemView;
}

/** An answer of the API that is no success. */
class ApiRefusal extends CommandError {
  /** Of the problem; null where the answer is none. */
  readonly problem: string | null;
  /** When it is worth asking again, in ms from then; null where the API does not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, code: number, problem: string | null, retryAfterMs: number | null) {
    super(message, code);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Whether the API itself says that there is no such thing: a proxy says 404 too, and other things by the other statuses. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiRefusal && error.problem === 'not_found';
}

/** When an API that is away, or has enough to do, wants to be asked again, in ms from then; null where it does not say. */
export function retryAfterMsOf(error: unknown): number | null {
  return error instanceof ApiRefusal ? error.retryAfterMs : null;
}

/** The job API, as the commands use it. Failures are `CommandError`s in words. */
export interface Api {
  /** Where it is. */
  url: string;
  get<Body>(path: string, headers?: Record<string, string>): Promise<Body>;
  /** A body that is no JSON, as text. */
  text(path: string): Promise<string>;
  post<Body>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Body>;
  /** A few hundred lines at most: they are sent before their answers are read. */
  bulk(lines: string[]): Promise<LineAnswer[]>;
  delete(path: string): Promise<void>;
  /** An open response, for streams. */
  open(path: string, headers?: Record<string, string>): Promise<Response>;
}

/** Throws a `CommandError` where that is no address. */
export function apiAt(baseUrl: string): Api {
  refuseNoAddress('--url, or UPSHIFT_URL,', baseUrl);
  const { origin, pathname } = new URL(baseUrl);
  // Behind a proxy the API may lie below a path, with or without a slash at its end.
  const addressOf = (path: string): string => `${origin}${pathname.replace(/\/+$/, '')}${path}`;
  const open = async (path: string, init: RequestInit): Promise<Response> => {
    // A POST that is sent on becomes a GET, whose answer looks like a success.
    const response = await reaching(baseUrl, fetch(addressOf(path), { ...init, redirect: 'manual' }));
    if (!response.ok) throw refusal(response, await reaching(baseUrl, response.text()));
    return response;
  };
  const call = async (path: string, init: RequestInit): Promise<string> => reaching(baseUrl, (await open(path, init)).text());
  return {
    url: baseUrl,
    get: async <Body>(path: string, headers: Record<string, string> = {}) =>
      bodyOf(baseUrl, await call(path, { headers })) as Body,
    text: (path) => call(path, {}),
    post: async <Body>(path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const json =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } };
      return bodyOf(baseUrl, await call(path, { method: 'POST', headers, ...json })) as Body;
    },
    async bulk(lines) {
      const headers = { 'Content-Type': 'application/x-ndjson' };
      const text = await call('/v1/jobs', { method: 'POST', headers, body: lines.join('\n') });
      return text.split('\n').flatMap((line) => (line === '' ? [] : [bodyOf(baseUrl, line) as LineAnswer]));
    },
    delete: async (path) => void (await call(path, { method: 'DELETE' })),
    open: (path, headers = {}) => open(path, { headers }),
  };
}

/**
 * The path of a thing by its id or name, whatever stands in that. Throws a `CommandError` for the dots that lead to all things of its kind, or
 * above: they do so however they are written.
 */
export function pathTo(collection: 'jobs' | 'quarantine' | 'experiments' | 'webhooks', name: string): string {
  if (name === '.' || name === '..')
    throw new CommandError(`${JSON.stringify(name)} is no id or name in ${collection}`, exitCode.refused);
  return `/v1/${collection}/${encodeURIComponent(name)}`;
}

/** Throws a `CommandError` where a text is no address of an HTTP server; `localhost:7700` alone is none. No password is said again. */
export function refuseNoAddress(option: string, url: string): void {
  const { protocol = '', username, password } = URL.parse(url) ?? {};
  if (username || password)
    throw new CommandError(
      `${option} holds a user or a password; it is an address alone, as http://127.0.0.1:7700`,
      exitCode.refused,
    );
  if (/^https?:$/.test(protocol)) return;
  const shown = url.replace(/^.*@/s, '…@');
  throw new CommandError(`${option} is ${shown}; it is an address as http://127.0.0.1:7700`, exitCode.refused);
}

/** A page of a portal or a proxy has the status 200 too. */
function bodyOf(baseUrl: string, text: string): unknown {
  const body = parseOrNull(text);
  if (body !== null) return body;
  throw new CommandError(`What answers at ${baseUrl} is no job API; it said: ${text.slice(0, 200)}`, exitCode.refused);
}

/** An API that goes away while it answers is as one that does not answer. */
async function reaching<Result>(baseUrl: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    throw new CommandError(
      `Nothing answers at ${baseUrl} (${cause?.code ?? String(error)}). ${whatToDo()}`,
      exitCode.unavailable,
    );
  }
}

function whatToDo(): string {
  const url = runsIn('.upshift');
  return url === null
    ? 'Start it with  npx upshift up  or name another with --url.'
    : `The Upshift that runs here answers at ${url}:  --url ${url}`;
}

/** Statuses below 500 with which a server, or a proxy before it, says that asking again is worth it. */
const PASSING = [408, 429];

function refusal(response: Response, text: string): ApiRefusal {
  const { url, status, headers } = response;
  const onward = headers.get('Location');
  if (onward !== null && status < 400)
    return new ApiRefusal(`${url} sends on to ${onward}; name that address with --url.`, exitCode.refused, null, null);
  const problem = problemView.safeParse(parseOrNull(text));
  const code = status >= 500 || PASSING.includes(status) ? exitCode.unavailable : exitCode.refused;
  const retryAfterMs = millisecondsOf(headers.get('Retry-After') ?? '');
  if (!problem.success) return new ApiRefusal(`${url} answered ${status}: ${text.slice(0, 200)}`, code, null, retryAfterMs);
  const { title, detail, errors } = problem.data;
  const fields = errors.map(
    ({ field, value, message }) => `  ${field}${value === undefined ? '' : ` (${JSON.stringify(value)})`}: ${message}`,
  );
  const words = [`${title}.`, ...(fields.length > 0 ? fields : [`  ${detail}`])].join('\n');
  return new ApiRefusal(words, code, problem.data.code, retryAfterMs);
}

/** `Retry-After` is in seconds or a date. */
function millisecondsOf(retryAfter: string): number | null {
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
