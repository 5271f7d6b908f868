/** The JSON value that an answer is, alone or in one code fence; undefined where it is none. */
export function parseJsonAnswer(text: string): unknown {
  const fenced = /^\s*(`{3,}|~{3,})[^\S\n]*(?:json)?[^\S\n]*\n([\s\S]*?)\n?\1\s*$/i.exec(text)?.[2];
  try {
    return JSON.parse(fenced ?? text) as unknown;
  } catch {
    return undefined;
  }
}
