/** How often a pattern occurs. */
export function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** No number says more than this one: texts may hold some of any length, up to infinity. */
const LARGEST = 1e12;

/** Counts as log(1 + n), so that a long text does not drown the rest; finite whatever the text holds. */
export function log(value: number): number {
  return Math.log1p(Math.max(0, Math.min(LARGEST, value)));
}

export function flag(value: boolean): number {
  return value ? 1 : 0;
}
