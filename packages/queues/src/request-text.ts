import type { JobRequest } from '@upshift/contracts';

/** What most jobs leave out; `input` has defaults of its own. */
const requestDefaults: Omit<JobRequest, 'input'> = {
  task: null,
  route: 'default',
  model: null,
  checks: [],
  limits: {},
  priority: 'normal',
  require: [],
  metadata: {},
  webhook: null,
};
const defaultNames = Object.keys(requestDefaults) as (keyof typeof requestDefaults)[];

/**
 * The text in which a request is stored: without what has its default value, because a million may wait. Equal for two bodies
 * that mean the same job, since validation has put their keys in order and filled in the defaults.
 */
export function requestText(request: JobRequest): string {
  const told: Record<string, unknown> = { input: request.input };
  for (const name of defaultNames) if (!isDefault(name, request[name])) told[name] = request[name];
  return JSON.stringify(told);
}

export function parseRequest(text: string): JobRequest {
  return { ...structuredDefaults(), ...(JSON.parse(text) as JobRequest) };
}

/** Afresh each time: who reads a request may change it. */
function structuredDefaults(): typeof requestDefaults {
  return { ...requestDefaults, checks: [], limits: {}, require: [], metadata: {} };
}

function isDefault(name: keyof typeof requestDefaults, value: unknown): boolean {
  const usual = requestDefaults[name];
  if (typeof usual !== 'object' || usual === null) return value === usual;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value as object).length === 0;
}
