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
    return new Response(response.body?.pipeThrough(wholeLines()) ?? null, response);
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
function wholeLines(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = '';
  return new TransformStream({
    transform(chunk, output) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) output.enqueue(encoder.encode(checked(line)));
    },
    flush(output) {
      output.enqueue(encoder.encode(checked(rest + decoder.decode())));
    },
  });
}

function checked(line: string): string {
  // The SDK would stumble over an empty line.
  if (line.trim() === '') return '';
  const object: unknown = JSON.parse(line);
  if (typeof object !== 'object' || object === null) throw new SyntaxError('not a JSON object');
  if ('error' in object) throw new OllamaStreamError('the server reports an error');
  return `${line}\n`;
}
