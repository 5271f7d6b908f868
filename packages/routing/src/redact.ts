import type { RE2JS } from 're2js';

import { compileMultiline } from './checks/patterns.ts';

/** Replaces what must not leave, the same way throughout one job: an equal text gets an equal placeholder. */
export interface Redactor {
  /** A copy with all texts in it redacted, the names of members too. */
  redact<Value>(value: Value): Value;
  /** How many pieces of text were replaced so far. */
  count(): number;
}

interface Span {
  from: number;
  to: number;
}

/** Patterns must have passed `badRedaction`. */
export function createRedactor(patterns: string[]): Redactor {
  const compiled = patterns.map((pattern) => compileMultiline(pattern));
  const placeholders = new Map<string, string>();
  let count = 0;

  const placeholderOf = (found: string): string => {
    const placeholder = placeholders.get(found) ?? `[redacted-${placeholders.size + 1}]`;
    placeholders.set(found, placeholder);
    return placeholder;
  };
  const redactText = (text: string): string => {
    const spans = joined(compiled.flatMap((pattern) => matchesOf(pattern, text)));
    count += spans.length;
    const pieces = spans.map(
      ({ from, to }, index) => text.slice(spans[index - 1]?.to ?? 0, from) + placeholderOf(text.slice(from, to)),
    );
    return pieces.join('') + text.slice(spans.at(-1)?.to ?? 0);
  };
  const redact = (value: unknown): unknown => {
    if (typeof value === 'string') return redactText(value);
    if (Array.isArray(value)) return value.map(redact);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [redactText(name), redact(member)]));
  };
  return { redact: <Value>(value: Value) => (compiled.length === 0 ? value : (redact(value) as Value)), count: () => count };
}

/** What is wrong with the patterns of `recording.redact`, a line each: one that can not be used would show what it was to hide. */
export function badRedaction(patterns: string[]): string[] {
  return patterns.flatMap((pattern, index) => {
    const problem = problemOf(pattern);
    return problem === null ? [] : [`recording.redact.${index} (is ${JSON.stringify(pattern)}): ${problem}`];
  });
}

function problemOf(pattern: string): string | null {
  try {
    const matchesNothing = compileMultiline(pattern).matcher('').find();
    return matchesNothing ? 'matches the empty text; let it match at least one character' : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function matchesOf(pattern: RE2JS, text: string): Span[] {
  const matcher = pattern.matcher(text);
  const spans: Span[] = [];
  while (matcher.find()) if (matcher.end() > matcher.start()) spans.push({ from: matcher.start(), to: matcher.end() });
  return spans;
}

/** Overlapping matches become one, so that no pattern leaves the rest of another's match behind. */
function joined(spans: Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.from - other.from)) {
    const last = result.at(-1);
    if (last !== undefined && span.from < last.to) last.to = Math.max(last.to, span.to);
    else result.push(span);
  }
  return result;
}
