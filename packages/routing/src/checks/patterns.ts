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
  return patternOf(compile(pattern));
}

export interface Pattern {
  test(text: string): boolean;
  steps: number;
}

function patternOf(compiled: RE2JS): Pattern {
  return { test: (text) => compiled.matcher(text).find(), steps: compiled.programSize() };
}

/** Each step of a pattern may be tried at each character of a text, and `\pL{1000}` has a thousand. */
const MOST_STEPS = 5000;

function compile(pattern: string, flags = 0): RE2JS {
  const compiled = RE2JS.compile(pattern, flags);
  const steps = compiled.programSize();
  if (steps > MOST_STEPS) throw new Error(`repeats too much: it has ${steps} steps, and may have ${MOST_STEPS}`);
  return compiled;
}

/** Throws with the reason where the pattern is none, or takes too long. */
export function compileMultiline(pattern: string, ignoreCase = false): RE2JS {
  try {
    return compile(pattern, RE2JS.MULTILINE | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
  } catch (error) {
    // RE2JS writes its flags before the pattern, and then quotes what nobody has written.
    RE2JS.compile(pattern);
    throw error;
  }
}
