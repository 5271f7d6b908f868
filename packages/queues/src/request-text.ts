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

/**
 * The text in which a request is stored: without what has its default value, because a million may wait. Equal for two bodies
 * that mean the same job, since validation has put their keys in order and filled in the defaults.
 */
export function requestText({ input, ...others }: JobRequest): string {
  const told = Object.entries(others).filter(([name, value]) => !isDefault(name as keyof typeof requestDefaults, value));
  return JSON.stringify({ input, ...Object.fromEntries(told) });
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
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
