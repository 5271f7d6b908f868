import { z } from 'zod';

/** Who said whether an answer is good: the checks and thresholds of its route, somebody afterwards, or a comparison with the top tier's answer. */
const labelSources = ['gate', 'late', 'audit'] as const;

/**
 * What became of an answer, with what the classifier had seen of its prompt: a line of `GET /v1/labels`, and of a file for `upshift train`.
 * No text of the prompt or the answer.
 */
export const gateLabel = z.object({
  at: z.iso.datetime(),
  job: z.string().min(1),
  route: z.string(),
  task: z.string().nullable(),
  tier: z.string().min(1),
  model: z.string(),
  passed: z.boolean().describe('Whether the answer was accepted; false: it was escalated, or fell short at the top.'),
  source: z.enum(labelSources),
  answer_of: z.string().optional().describe('The job whose answer it is, where that is another one: the top tier’s in an audit.'),
  propensity: z.number().gt(0).max(1).describe('How probable it was that the job would start at the tier where it did.'),
  complexity: z.number().min(0).max(1).describe('As shipped, before anything that was fitted.'),
  signals: z.array(z.number()).describe('The hand-made features of the prompt, in the order of the classifier’s.'),
});
export type GateLabel = z.infer<typeof gateLabel>;
