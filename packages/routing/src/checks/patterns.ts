import { RE2JS } from 're2js';

/**
 * Patterns come from clients and run on models' answers: RE2 takes linear time whatever both of them hold, where the
 * engine of the language can be made to hang a scorer. It has no look-around and no back-references.
 */
export function compilePattern(pattern: string, ignoreCase = false): { test(text: string): boolean } {
  const compiled = compileMultiline(pattern, ignoreCase);
  return { test: (text) => compiled.matcher(text).find() };
}

/** Throws with RE2's reason where the pattern is none. */
export function compileMultiline(pattern: string, ignoreCase = false): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.MULTILINE | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
  } catch (error) {
    // RE2JS writes its flags before the pattern, and then quotes what nobody has written.
    RE2JS.compile(pattern);
    throw error;
  }
}
