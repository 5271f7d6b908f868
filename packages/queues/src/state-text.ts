import type { Attempt, JobState } from '@upshift/contracts';

/**
 * The text in which a job's state is stored: its values in a fixed order, without their names. A state is written and read at
 * every step, and names would be more than half of it. A new field goes to the end of its list; records without it give null.
 */
const jobFields = namesOf<JobState>({
  id: true,
  revision: true,
  status: true,
  route: true,
  task: true,
  pinnedModel: true,
  priority: true,
  configVersion: true,
  seed: true,
  createdAt: true,
  startedAt: true,
  completedAt: true,
  deadline: true,
  limits: true,
  needs: true,
  webhook: true,
  classification: true,
  tier: true,
  attempts: true,
  escalations: true,
  failovers: true,
  fallbacks: true,
  finalAttempt: true,
  degraded: true,
  reasons: true,
  step: true,
  epoch: true,
  experiments: true,
});

const attemptFields = namesOf<Attempt>({
  number: true,
  purpose: true,
  tier: true,
  model: true,
  lane: true,
  state: true,
  outcome: true,
  errorCode: true,
  usage: true,
  costNanoUsd: true,
  reservedNanoUsd: true,
  score: true,
  passed: true,
  judges: true,
  waits: true,
  claimedAt: true,
  sentAt: true,
  settledAt: true,
  schemaFailed: true,
});

export function stateText(job: JobState): string {
  const attempts = job.attempts.map((attempt) => attemptFields.map((name) => attempt[name]));
  return JSON.stringify(jobFields.map((name) => (name === 'attempts' ? attempts : job[name])));
}

export function parseState(text: string): JobState {
  // A record from before there was an order.
  if (text.startsWith('{')) return JSON.parse(text) as JobState;
  const job = named<JobState>(jobFields, JSON.parse(text) as unknown[]);
  job.attempts = (job.attempts as unknown as unknown[][]).map((attempt) => named<Attempt>(attemptFields, attempt));
  return job;
}

function named<Type>(names: (keyof Type)[], values: unknown[]): Type {
  const result: Partial<Record<keyof Type, unknown>> = {};
  for (let position = 0; position < names.length; position += 1) result[names[position]!] = values[position] ?? null;
  return result as Type;
}

/** In the order in which they are written down; none can be forgotten. */
function namesOf<Type>(fields: Record<keyof Type, true>): (keyof Type)[] {
  return Object.keys(fields) as (keyof Type)[];
}
