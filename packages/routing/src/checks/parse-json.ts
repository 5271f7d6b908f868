/** The JSON value that an answer is, alone or in one code fence; undefined where it is none. */
export function parseJsonAnswer(text: string): unknown {
  const fenced = /^\s*```(?:json)?[^\S\n]*\n([\s\S]*?)\n?```\s*$/i.exec(text)?.[1];
  try {
    return JSON.parse(fenced ?? text) as unknown;
  } catch {
    return undefined;
  }
}
