import type { Attempt, JobState, Needs } from '@upshift/contracts';

/**
 * The text in which a job's state is stored. It is written and read at every step, and a million may wait: so no names, but values
 * in a fixed order, and of them only those that are not the usual ones. The number before them has a bit for each that is there.
 * A new field goes to the end of its list, with the value that older records stand for.
 */
interface Field {
  name: string;
  usual: unknown;
  /** Of a value that has fields of its own. */
  form: Form | null;
}

/** The fields of something in the order in which they are written down, and the object that has only usual values. */
interface Fields {
  all: Field[];
  usual: object;
}

interface Form {
  pack: (value: never) => unknown;
  unpack: (packed: never) => unknown;
}

/** For a field that has no usual value. */
const none = Symbol('no usual value');

const needsFields = fieldsOf<Needs>({
  capabilities: [],
  sampling: [],
  required: undefined,
  inputTokens: none,
  contextTokens: none,
  maxOutputTokens: null,
  reasoningEffort: undefined,
  mustCallTool: undefined,
  continuesAnswer: undefined,
  imagesByUrl: undefined,
});

const limitsFields = fieldsOf<JobState['limits']>({ costNanoUsd: null, maxEscalations: null });

const attemptFields = fieldsOf<Attempt>({
  number: none,
  purpose: 'answer',
  tier: none,
  model: none,
  lane: 'live',
  state: none,
  outcome: null,
  errorCode: null,
  usage: null,
  costNanoUsd: null,
  reservedNanoUsd: none,
  score: null,
  passed: null,
  judges: null,
  waits: 0,
  claimedAt: none,
  sentAt: null,
  settledAt: null,
  schemaFailed: null,
  retryAt: undefined,
  hedges: undefined,
  confirmedIn: undefined,
});

/** Without the id, which is the record's key. At most 30: a bit each. */
const jobFields = fieldsOf<Omit<JobState, 'id'>>(
  {
    revision: 1,
    status: 'queued',
    route: 'default',
    task: null,
    pinnedModel: null,
    priority: 'normal',
    configVersion: none,
    seed: none,
    createdAt: none,
    startedAt: null,
    completedAt: null,
    deadline: null,
    limits: none,
    needs: none,
    webhook: null,
    classification: null,
    tier: null,
    attempts: [],
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    finalAttempt: null,
    degraded: false,
    reasons: [],
    step: null,
    epoch: 0,
    experiments: null,
    passedOver: 0,
    reopenedAt: null,
  },
  { limits: formOf(limitsFields), needs: formOf(needsFields), attempts: listOf(formOf(attemptFields)) },
);

export function stateText(job: JobState): string {
  return JSON.stringify(pack(jobFields, job));
}

/** @param id of the job, by whose key the text was found */
export function parseState(id: string, text: string): JobState {
  // A record from before there was an order, and one from before the usual was left out.
  if (text.startsWith('{')) return JSON.parse(text) as JobState;
  const packed = JSON.parse(text) as unknown[];
  if (typeof packed[0] === 'string') return stateOfAllValues(packed);
  return { id, ...(unpack(jobFields, packed) as Omit<JobState, 'id'>) };
}

function pack({ all }: Fields, of: object): unknown[] {
  const packed: unknown[] = [0];
  let there = 0;
  for (let position = 0; position < all.length; position += 1) {
    const { name, usual, form } = all[position]!;
    const value = (of as Record<string, unknown>)[name];
    if (isUsual(value, usual)) continue;
    there |= 1 << position;
    packed.push(form === null ? value : form.pack(value as never));
  }
  packed[0] = there;
  return packed;
}

function unpack({ all, usual: usually }: Fields, packed: unknown[]): object {
  // A copy keeps the shape of what is copied; an object to which many fields are added by name is slow to read ever after.
  const result: Record<string, unknown> = { ...usually };
  const there = packed[0] as number;
  let next = 1;
  for (let position = 0; position < all.length; position += 1) {
    const { name, usual, form } = all[position]!;
    if ((there & (1 << position)) === 0) {
      // Afresh each time: who reads a state may change it.
      if (Array.isArray(usual)) result[name] = [];
      continue;
    }
    const value = packed[next];
    result[name] = form === null ? value : form.unpack(value as never);
    next += 1;
  }
  return result;
}

function isUsual(value: unknown, usual: unknown): boolean {
  return value === usual || (Array.isArray(usual) && Array.isArray(value) && value.length === 0);
}

/** None can be forgotten. */
function fieldsOf<Type>(
  usual: { [Name in keyof Required<Type>]: Type[Name] | typeof none },
  forms: { [Name in keyof Type]?: Form } = {},
): Fields {
  return {
    all: Object.entries(usual).map(([name, value]) => ({ name, usual: value, form: forms[name as keyof Type] ?? null })),
    usual,
  };
}

function formOf(fields: Fields): Form {
  return { pack: (value: object) => pack(fields, value), unpack: (packed: unknown[]) => unpack(fields, packed) };
}

function listOf(form: Form): Form {
  return {
    pack: (values: object[]) => values.map((value) => form.pack(value as never)),
    unpack: (packed: unknown[][]) => packed.map((one) => form.unpack(one as never)),
  };
}

/** Of a record whose values all stand there, the id first. */
function stateOfAllValues(values: unknown[]): JobState {
  const job = named(['id', ...jobFields.all.map(({ name }) => name)], values) as JobState;
  const attempts = job.attempts as unknown as unknown[][];
  const names = attemptFields.all.map(({ name }) => name);
  return { ...job, attempts: attempts.map((attempt) => named(names.slice(0, attempt.length), attempt) as Attempt) };
}

function named(names: string[], values: unknown[]): object {
  return Object.fromEntries(names.map((name, position) => [name, values[position] ?? null]));
}
