import type { TrailEntry } from '@upshift/contracts';
import { acceptanceOf } from '@upshift/routing';

import type { Pipeline } from './pipeline.ts';
import { parseState } from './state-text.ts';

/**
 * A job's trail stands in its record: each step that has something to say adds a field of its own, named by the version that it
 * makes, with a JSON line per entry. So a step writes record and trail in one command, and there is no second key per job.
 */
export function trailText(trail: TrailEntry[]): string {
  return trail.map((entry) => JSON.stringify(entry)).join('\n');
}

export function trailFieldName(version: number | string): string {
  return `trail:${version}`;
}

function parseTrail(field: string): TrailEntry[] {
  return field.split('\n').map((line) => JSON.parse(line) as TrailEntry);
}

/**
 * The entries of a field of the trail. The first field is written with the job's first step: until then, while a million may wait, the
 * state tells them.
 *
 * @param state read together with field 0; null with another
 */
export function linesOf(id: string, field: string | null, state: string | null): TrailEntry[] {
  if (field !== null) return parseTrail(field);
  return state === null ? [] : acceptanceOf(parseState(id, state));
}

/** @param after so many entries are left out at the beginning */
export async function readTrail({ redis, keys }: Pipeline, id: string, after = 0): Promise<TrailEntry[]> {
  const [version, first = null, state = null] = await redis.hmget(keys.job(id), 'version', trailFieldName(0), 'state');
  if (!version) return linesOf(id, first, state).slice(after);
  const names = Array.from({ length: Number(version) + 1 }, (_, number) => trailFieldName(number));
  const fields = await redis.hmget(keys.job(id), ...names);
  return fields.flatMap((field) => linesOf(id, field, null)).slice(after);
}
