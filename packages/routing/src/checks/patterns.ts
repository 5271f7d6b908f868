import { RE2JS } from 're2js';

/**
 * Patterns come from clients and run on models' answers: RE2 takes linear time whatever both of them hold, where the
 * engine of the language can be made to hang a scorer. It has no look-around and no back-references.
 */
export function compilePattern(pattern: string, ignoreCase = false): Pattern {
  return patternOf(compileMultiline(pattern, ignoreCase));
}

/** As JSON Schema has them: `^` and `$` match where the text begins and ends, and not at its lines. */
export function compileOfSchema(pattern: string): Pattern {
  return patternOf(RE2JS.compile(pattern));
}

export interface Pattern {
  test(text: string): boolean;
}

function patternOf(compiled: RE2JS): Pattern {
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
