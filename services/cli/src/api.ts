import { problemView } from '@upshift/contracts';

import { CommandError, exitCode } from './exit-code.ts';

/** The job API, as the commands use it. Failures are `CommandError`s in words. */
export interface Api {
  get<Body>(path: string): Promise<Body>;
  post<Body>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Body>;
  delete(path: string): Promise<void>;
  /** An open response, for streams. */
  open(path: string, headers?: Record<string, string>): Promise<Response>;
}

export function apiAt(baseUrl: string): Api {
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> => {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } };
    const response = await fetch(new URL(path, baseUrl), { method, headers, ...json }).catch((error: unknown) => {
      throw unreachable(baseUrl, error);
    });
    if (!response.ok) throw await refusal(response);
    return response;
  };
  return {
    get: async <Body>(path: string) => (await (await send('GET', path)).json()) as Body,
    post: async <Body>(path: string, body?: unknown, headers?: Record<string, string>) =>
      (await (await send('POST', path, body, headers)).json()) as Body,
    delete: async (path) => void (await send('DELETE', path)),
    open: (path, headers) => send('GET', path, undefined, headers),
  };
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
