/** How often a pattern occurs. */
export function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** Counts as log(1 + n), so that a long text does not drown the rest. */
export function log(value: number): number {
  return Math.log1p(Math.max(0, value));
}

export function flag(value: boolean): number {
  return value ? 1 : 0;
}
