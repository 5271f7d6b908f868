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

/** The text in which a request is stored: without what has its default value, because a million may wait. */
export function requestText(request: JobRequest): string {
  return JSON.stringify(toldOf(request));
}

/** A text that is equal for two bodies that mean the same job: in the order of their keys, which no object of JSON has. */
export function sortedRequestText(request: JobRequest): string {
  return JSON.stringify(toldOf(request), (_key, value: unknown) => (isObject(value) ? sorted(value) : value));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sorted(object: object): object {
  const entries = Object.entries(object);
  return Object.fromEntries(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function toldOf(request: JobRequest): Record<string, unknown> {
  const told: Record<string, unknown> = { input: request.input };
  for (const name of defaultNames) if (!isDefault(name, request[name])) told[name] = request[name];
  return told;
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
