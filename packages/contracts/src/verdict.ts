import { z } from 'zod';

/** What `POST /v1/jobs/{id}/verdict` takes: what somebody found out about a delivered answer. */
export const verdictRequest = z.strictObject({
  revision: z.int().positive().describe('Of the result that was looked at: an answer that came since then is not meant.'),
  passed: z.boolean().describe('False opens the next revision, a tier up. True is noted in the trail.'),
  score: z.number().min(0).max(1).optional().describe('How good the answer is; 1 or 0 by `passed` where it is left out.'),
  reason: z.string().min(1).max(2000).describe('For people: what was found.'),
});
export type VerdictRequest = z.infer<typeof verdictRequest>;
