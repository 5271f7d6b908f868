import { z } from 'zod';

import { modelId } from './model-id.ts';
import { webhookName } from './names.ts';

/**
 * A check that the scorer runs on an answer. `gate: true` must pass; other checks only move the score.
 * `weight` is the check's share in the score (default 1).
 */
const common = { gate: z.boolean().optional(), weight: z.number().positive().max(100).optional() };

/** Languages that the check `language` tells apart, as ISO 639 has them. */
export const languages = [
  'en',
  'de',
  'fr',
  'es',
  'it',
  'pt',
  'nl',
  'sv',
  'pl',
  'tr',
  'fi',
  'ru',
  'uk',
  'el',
  'ar',
  'he',
  'hi',
  'th',
  'zh',
  'ja',
  'ko',
] as const;
export type Language = (typeof languages)[number];

/** Languages of programs whose code the check `code` parses. */
const codeLanguages = ['json', 'javascript', 'typescript', 'sql'] as const;
export type CodeLanguage = (typeof codeLanguages)[number];

const jsonSchema = z.record(z.string(), z.unknown());

export const check = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('non_empty'), ...common }),
  z.strictObject({ type: z.literal('complete'), ...common }),
  z.strictObject({ type: z.literal('json'), ...common }),
  z.strictObject({ type: z.literal('json_schema'), schema: jsonSchema, ...common }),
  z.strictObject({
    type: z.literal('regex'),
    pattern: z.string().min(1).max(1000),
    ignore_case: z.boolean().optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('contains'),
    values: z.array(z.string().min(1)).min(1).max(100),
    mode: z.enum(['all', 'any']).optional(),
    ...common,
  }),
  z.strictObject({ type: z.literal('one_of'), values: z.array(z.string().min(1)).min(1).max(200), ...common }),
  z.strictObject({
    type: z.literal('length'),
    min_words: z.int().nonnegative().optional(),
    max_words: z.int().positive().optional(),
    min_chars: z.int().nonnegative().optional(),
    max_chars: z.int().positive().optional(),
    ...common,
  }),
  z.strictObject({ type: z.literal('code'), language: z.enum(codeLanguages).optional(), ...common }),
  z.strictObject({ type: z.literal('arithmetic'), ...common }),
  z.strictObject({ type: z.literal('extractable'), ...common }),
  z.strictObject({ type: z.literal('finished'), ...common }),
  z.strictObject({ type: z.literal('unhedged'), ...common }),
  z.strictObject({ type: z.literal('consistent'), ...common }),
  z.strictObject({ type: z.literal('language'), language: z.enum(languages).optional(), ...common }),
  z.strictObject({ type: z.literal('asked_format'), ...common }),
  z.strictObject({ type: z.literal('grounded'), ...common }),
  z.strictObject({ type: z.literal('trained'), ...common }),
  z.strictObject({
    type: z.literal('agreement'),
    samples: z.int().min(1).max(5).optional(),
    models: z.array(modelId).min(1).max(5).optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('verifier'),
    webhook: webhookName,
    timeout_s: z.number().positive().max(60).optional(),
    ...common,
  }),
  z.strictObject({
    type: z.literal('llm_judge'),
    rubric: z.string().min(1).max(4000),
    against: z.array(modelId).min(1).max(5).optional(),
    ...common,
  }),
]);

export type Check = z.infer<typeof check>;
/** Checks that a job, or an arm of an experiment, may have of its own. */
export const MOST_CHECKS = 50;
const checkTypes = check.options.map((option) => option.shape.type.value);

/** What one check said of an answer. `score` is in [0, 1]; `reason` is for people. */
export const checkOutcome = z.object({
  type: z.enum([...checkTypes, 'late_verdict']),
  gate: z.boolean(),
  passed: z.boolean(),
  score: z.number(),
  weight: z.number(),
  reason: z.string(),
  cost_usd: z
    .number()
    .nullable()
    .optional()
    .describe('What the calls for this check cost; null where that is unknown, absent where it made none.'),
});
export type CheckOutcome = z.infer<typeof checkOutcome>;

/** What the scorer says of an answer: `score` in [0, 1], `passed` when every gate passed. */
export interface Verdict {
  score: number;
  passed: boolean;
  checks: CheckOutcome[];
}
