/** The JSON value that an answer is, alone or in one code fence; undefined where it is none. */
export function parseJsonAnswer(text: string): unknown {
  try {
    return JSON.parse(withoutFence(text)) as unknown;
  } catch {
    return undefined;
  }
}

const FENCE = /^(`{3,}|~{3,})[^\S\n]*(?:json[^\S\n]*)?\n/i;

/** The end is looked at apart: one pattern for both would read a long text of spaces, or of signs of fences, again and again. */
function withoutFence(text: string): string {
  const trimmed = text.trim();
  const [line = '', fence] = FENCE.exec(trimmed) ?? [];
  return fence !== undefined && trimmed.endsWith(fence) ? trimmed.slice(line.length, -fence.length) : text;
}
