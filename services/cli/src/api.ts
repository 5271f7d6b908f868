import { problemView } from '@upshift/contracts';
import type { ProblemView } from '@upshift/contracts';

import { CommandError, exitCode } from './exit-code.ts';

/** What became of a line of a bulk request. */
interface LineAnswer {
  id?: string;
  error?: ProblemView;
}

/** The job API, as the commands use it. Failures are `CommandError`s in words. */
export interface Api {
  /** Where it is. */
  url: string;
  get<Body>(path: string, headers?: Record<string, string>): Promise<Body>;
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
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    const response = await fetch(new URL(path, baseUrl), init).catch((error: unknown) => {
      throw unreachable(baseUrl, error);
    });
    if (!response.ok) throw await refusal(response);
    return response;
  };
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> => {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } };
    return call(path, { method, headers, ...json });
  };
  return {
    url: baseUrl,
    get: async <Body>(path: string, headers?: Record<string, string>) =>
      (await (await send('GET', path, undefined, headers)).json()) as Body,
    post: async <Body>(path: string, body?: unknown, headers?: Record<string, string>) =>
      (await (await send('POST', path, body, headers)).json()) as Body,
    async bulk(lines) {
      const headers = { 'Content-Type': 'application/x-ndjson' };
      const response = await call('/v1/jobs', { method: 'POST', headers, body: lines.join('\n') });
      const text = await response.text().catch((error: unknown) => {
        throw unreachable(baseUrl, error);
      });
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as LineAnswer]));
    },
    delete: async (path) => void (await send('DELETE', path)),
    open: (path, headers) => send('GET', path, undefined, headers),
  };
}

/** Throws a `CommandError` where a text is no address of an HTTP server; `localhost:7700` alone is none. */
export function refuseNoAddress(option: string, url: string): void {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return;
  throw new CommandError(`${option} is ${url}; it is an address as http://127.0.0.1:7700`, exitCode.refused);
}

function unreachable(baseUrl: string, error: unknown): CommandError {
  const { cause } = error as { cause?: { code?: string } };
  return new CommandError(
    `Nothing answers at ${baseUrl} (${cause?.code ?? String(error)}). Start it with  npx upshift up  or name another with --url.`,
    exitCode.unavailable,
  );
}

async function refusal(response: Response): Promise<CommandError> {
  const text = await response.text();
  const problem = problemView.safeParse(parseOrNull(text));
  const code = response.status >= 500 ? exitCode.unavailable : exitCode.refused;
  if (!problem.success) return new CommandError(`${response.url} answered ${response.status}: ${text.slice(0, 200)}`, code);
  const { title, detail, errors } = problem.data;
  const fields = errors.map(
    ({ field, value, message }) => `  ${field}${value === undefined ? '' : ` (${JSON.stringify(value)})`}: ${message}`,
  );
  return new CommandError([`${title}.`, ...(fields.length > 0 ? fields : [`  ${detail}`])].join('\n'), code);
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
