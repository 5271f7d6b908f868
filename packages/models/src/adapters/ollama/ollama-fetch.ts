import { OllamaStatusError, OllamaStreamError } from './ollama-error.ts';

type Fetch = typeof globalThis.fetch;

/**
 * The call's fetch, with what the SDK (0.6.4) gets wrong: it prints error bodies and broken lines to the console, goes
 * on after a broken line as if the answer were whole, and forgets the headers of an error.
 */
export function ollamaFetch(send: Fetch): Fetch {
  return async (url, init) => {
    const response = await send(url, init);
    if (!response.ok) throw new OllamaStatusError(response.status, response.headers, await errorText(response));
    const lines = wholeLines(response.body as unknown as AsyncIterable<Uint8Array>);
    // As much of a Response as the SDK uses.
    return { ok: true, body: { getReader: () => readerOf(lines) }, json: () => wholeJson(lines) } as unknown as Response;
  };
}

async function errorText(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as { error?: unknown } | null;
    return typeof body?.error === 'string' ? body.error : '';
  } catch {
    return text;
  }
}

/** Passes lines of JSON objects on, and breaks at the first line that is none. A body without line ends is one line. */
async function* wholeLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of body) {
    const text = decoder.decode(bytes, { stream: true });
    rest += text;
    // The line of many vectors comes in thousands of parts.
    if (!text.includes('\n')) continue;
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    const whole = lines.map(checked).join('');
    if (whole !== '') yield whole;
  }
  const last = checked(rest + decoder.decode());
  if (last !== '') yield last;
  return undefined;
}

function readerOf(lines: AsyncGenerator<string, undefined>): object {
  const encoder = new TextEncoder();
  return {
    async read() {
      const { done, value } = await lines.next();
      return done ? { done } : { done, value: encoder.encode(value) };
    },
    releaseLock: () => undefined,
  };
}

async function wholeJson(lines: AsyncGenerator<string, undefined>): Promise<unknown> {
  let text = '';
  for await (const line of lines) text += line;
  return JSON.parse(text) as unknown;
}

function checked(line: string): string {
  // The SDK would stumble over an empty line.
  if (line.trim() === '') return '';
  const object: unknown = JSON.parse(line);
  if (typeof object !== 'object' || object === null) throw new SyntaxError('not a JSON object');
  if ('error' in object) throw new OllamaStreamError('the server reports an error');
  return `${line}\n`;
}
