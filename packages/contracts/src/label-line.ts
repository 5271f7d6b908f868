import { z } from 'zod';

/** A line that `upshift calibrate` reads: an answer that somebody has looked at. Other keys are the user's own. */
export const labelLine = z.object({
  question_id: z.union([z.string().min(1), z.number()]).describe('The same for all answers to a question.'),
  prompt: z.string(),
  tier: z.string().min(1),
  answer: z.string(),
  ok: z.union([z.boolean(), z.literal(0), z.literal(1)]).describe('Whether the answer is good.'),
});
export type LabelLine = z.infer<typeof labelLine>;
