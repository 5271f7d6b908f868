import { z } from 'zod';

import type { Usage } from './answer.ts';
import { check, MOST_CHECKS } from './check.ts';
import type { Capability } from './model-config.ts';
import type { CallErrorCode } from './errors.ts';
import type { Classification } from './event.ts';
import { chatInput, embeddingInput, promptInput, samplingParameter } from './input.ts';
import type { ReasoningEffort, SamplingParameter } from './input.ts';
import { modelId } from './model-id.ts';
import { routeName, taskName, webhookName } from './names.ts';

export const priority = z.enum(['high', 'normal', 'low']);
export type Priority = z.infer<typeof priority>;

const limits = z.strictObject({
  cost_usd: z.number().positive().optional(),
  deadline: z.iso
    .datetime({ offset: true, error: 'must be a time with its zone (RFC 3339), as in 2026-12-31T18:00:00Z' })
    .optional(),
  max_escalations: z.int().nonnegative().max(10).optional(),
});

const MOST_METADATA = 16;

/** Metadata is the client's own: kept, returned, never read. */
const metadata = z
  .record(z.string().min(1).max(64), z.string().max(512), 'must be an object whose keys have 1 to 64 characters')
  .refine((map) => Object.keys(map).length <= MOST_METADATA, `at most ${MOST_METADATA} keys`)
  // As JSON Schema has it: a refinement is not part of the API's description.
  .meta({ maxProperties: MOST_METADATA });

/** The body of `POST /v1/jobs`. Unknown fields are refused, so that a misspelt one is never silently ignored. */
export const jobRequest = z.strictObject({
  input: z.union([chatInput, promptInput, embeddingInput]),
  task: taskName.nullable().default(null),
  route: routeName.default('default'),
  model: modelId.nullable().default(null),
  checks: z.array(check).max(MOST_CHECKS).default([]),
  limits: limits.default({}),
  priority: priority.default('normal'),
  require: z.array(samplingParameter).max(4).default([]),
  metadata: metadata.default({}),
  webhook: webhookName.nullable().default(null),
});

const wrongKey = 'must have 1 to 255 printable ASCII characters';
/** Under one key a job is accepted once. */
export const idempotencyKey = z.string(wrongKey).regex(/^[\x20-\x7e]{1,255}$/, wrongKey);
/** As a client may write it. */
export type JobRequestBody = z.input<typeof jobRequest>;
/** As it is after validation, with a prompt turned into messages. */
export type JobRequest = Omit<z.infer<typeof jobRequest>, 'input'> & {
  input: z.infer<typeof chatInput> | z.infer<typeof embeddingInput>;
};

/** What an attempt is for. */
export const purposes = ['answer', 'sample', 'judge', 'classify', 'hedge', 'shadow'] as const;
export type Purpose = (typeof purposes)[number];

/** How an attempt is bought; `flex` and `batch` are the providers' half-price ways. */
export const lanes = ['live', 'flex', 'batch'] as const;
export type Lane = (typeof lanes)[number];

/**
 * One line of the ledger: a paid call, from the moment its number is taken.
 * `claimed` (not called yet) → `sent` (the provider may bill) → `settled` (outcome and cost known) or `unknown`.
 */
export interface Attempt {
  number: number;
  purpose: Purpose;
  tier: string;
  model: string;
  lane: Lane;
  state: 'claimed' | 'sent' | 'settled' | 'unknown';
  outcome: 'answered' | 'refused' | 'failed' | null;
  errorCode: CallErrorCode | null;
  usage: Usage | null;
  /** Nano-dollars; null while not settled, and where it is unknown. */
  costNanoUsd: number | null;
  /** The most that this call was expected to cost when it was claimed, in nano-dollars. */
  reservedNanoUsd: number;
  score: number | null;
  /** Whether every gate passed; null until judged. */
  passed: boolean | null;
  /** Purposes `judge` and `sample`: the attempt and the check that it is asked for. */
  judges: { attempt: number; check: number } | null;
  /** How often the call was put off by a provider's limit, which is not a failure. */
  waits: number;
  /** When the retries of its provider have room for it, in ms since the epoch; missing where it did not have to wait for that. */
  retryAt?: number;
  /** Purpose `hedge`: the attempt beside which it is made. */
  hedges?: number;
  claimedAt: number;
  sentAt: number | null;
  settledAt: number | null;
  /** Whether the answer failed a check of its form (`json`, `json_schema`); null where none looked at it. */
  schemaFailed: boolean | null;
  /** The revision in which a late verdict last passed it; missing where none has. */
  confirmedIn?: number;
}

export const jobStatuses = ['queued', 'in_progress', 'completed', 'failed', 'cancelled', 'expired'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** The queue entry that carries the job on. Lost entries are made anew under a higher epoch. */
export type Step = { kind: 'classify' } | { kind: 'call'; attempt: number } | { kind: 'score'; attempt: number };

/** An arm that a job got, and how probable that was: what unbiased estimates need. */
export interface Assignment {
  experiment: string;
  arm: string;
  probability: number;
}

/** The end that a job has come to and that nobody is told of yet. */
interface HeldEnd {
  status: 'completed' | 'failed';
  finalAttempt: number | null;
  degraded: boolean;
  reason: string;
  /** Ms since the epoch. */
  at: number;
}

/** The part that a job has in experiments. */
export interface JobExperiments {
  arms: Assignment[];
  /** The configuration with no arm but those that were promoted: where the job goes back to. */
  baseConfigVersion: string;
  /** The canary whose answers are held until its step has passed; null where none is, or any more. */
  holdFor: string | null;
  held: HeldEnd | null;
  /** So many attempts, from the first on, were those of a canary that was taken back. They are paid for and count no more. */
  discardedAttempts: number;
  /** The job that this one answers once more, or whose two answers it compares: it is told to nobody, and waits behind all others. */
  shadowOf: string | null;
}

/**
 * The part of a job's record on which decisions are made. No prompts and no answers: those stand beside it in the
 * record. Times are ms since the epoch, money is integer nano-dollars.
 */
export interface JobState {
  id: string;
  revision: number;
  status: JobStatus;
  route: string;
  task: string | null;
  pinnedModel: string | null;
  priority: Priority;
  configVersion: string;
  /** In [0, 1): the source of every draw for this job, so that the same events always decide the same. */
  seed: number;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
  deadline: number | null;
  limits: { costNanoUsd: number | null; maxEscalations: number | null };
  needs: Needs;
  /** The endpoint that is told of the end, or null. */
  webhook: string | null;
  classification: Classification | null;
  /** The tier that answers now; null before classification, `fallback` in the fallback chain. */
  tier: string | null;
  attempts: Attempt[];
  escalations: number;
  failovers: number;
  fallbacks: number;
  /** The attempt whose answer is the result. */
  finalAttempt: number | null;
  degraded: boolean;
  reasons: string[];
  step: Step | null;
  epoch: number;
  /** Null for a job of no experiment. */
  experiments: JobExperiments | null;
  /** How often the first of the models that the route names was not asked, because its circuit was open or its provider off. */
  passedOver: number;
  /** When the latest revision began; null for the first. */
  reopenedAt: number | null;
}

/** What a model must have to be given a job. Tokens are estimates: characters / 4. */
export interface Needs {
  capabilities: Capability[];
  /** Sampling parameters that the job gives: preferences, but for those that it requires. */
  sampling: SamplingParameter[];
  /** Missing where it requires none. */
  required?: SamplingParameter[];
  /** A preference too. Missing where the job gives none. */
  reasoningEffort?: ReasoningEffort;
  /** The model must call a tool, whatever it thinks of it. */
  mustCallTool?: true;
  /** The conversation ends with the beginning of an answer. */
  continuesAnswer?: true;
  /** The model's provider must fetch an image. */
  imagesByUrl?: true;
  /** The whole input: what is paid for. */
  inputTokens: number;
  /** What must fit a model's window at once: the longest text of an embedding, else the whole input. */
  contextTokens: number;
  /** What the job asked for; null leaves it to the model. */
  maxOutputTokens: number | null;
}

export function isTerminal(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'in_progress';
}
