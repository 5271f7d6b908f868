import type { TrailEntry } from '@upshift/contracts';

import type { Pipeline } from './pipeline.ts';

/**
 * A job's trail stands in its record: each step that has something to say adds a field of its own, named by the version that it
 * makes, with a JSON line per entry. So a step writes record and trail in one command, and there is no second key per job.
 */
export function trailField(trail: TrailEntry[], version: number): Record<string, string> {
  return trail.length === 0 ? {} : { [trailFieldName(version)]: trail.map((entry) => JSON.stringify(entry)).join('\n') };
}

export function trailFieldName(version: number | string): string {
  return `trail:${version}`;
}

export function parseTrail(field: string): TrailEntry[] {
  return field.split('\n').map((line) => JSON.parse(line) as TrailEntry);
}

/** @param after so many entries are left out at the beginning */
export async function readTrail({ redis, keys }: Pipeline, id: string, after = 0): Promise<TrailEntry[]> {
  const versions = Number((await redis.hget(keys.job(id), 'version')) ?? 0);
  if (versions === 0) return [];
  const names = Array.from({ length: versions }, (_, index) => trailFieldName(index + 1));
  const fields = await redis.hmget(keys.job(id), ...names);
  return fields.flatMap((field) => (field === null ? [] : parseTrail(field))).slice(after);
}
