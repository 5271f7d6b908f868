import type { FieldError } from './errors.ts';
import { fieldName } from './field-errors.ts';

/** Levels of objects and lists that a body may have: far more than people write, and far fewer than what reads them level by level can bear. */
const MOST_LEVELS = 100;
/** Of a path that is too deep so many names are told: as many as lead to the parameters of a tool. */
const TOLD_NAMES = 4;

/** What is wrong with a body whatever it is to be; null where nothing is. */
export function badShape(body: unknown): FieldError | null {
  const bad = findBad(body, MOST_LEVELS);
  return bad && { field: fieldName(bad.path.slice(0, bad.toldNames)), message: bad.message };
}

interface Bad {
  path: PropertyKey[];
  toldNames: number;
  message: string;
}

function findBad(value: unknown, levelsLeft: number): Bad | null {
  if (typeof value !== 'object' || value === null) return null;
  if (levelsLeft === 0) return { path: [], toldNames: TOLD_NAMES, message: `is nested deeper than ${MOST_LEVELS} levels` };
  for (const [name, inner] of Object.entries(value)) {
    // What checks and copies objects leaves it out, or takes it for what it is to JavaScript.
    if (name === '__proto__') return { path: [name], toldNames: MOST_LEVELS, message: 'is no name that a field can have' };
    const bad = findBad(inner, levelsLeft - 1);
    if (bad) return { ...bad, path: [Array.isArray(value) ? Number(name) : name, ...bad.path] };
  }
  return null;
}
