import { z } from 'zod';

import { taskName } from './names.ts';

/** What a model, or a user's own service, says of a prompt; other fields are left alone. */
export const classificationReply = z.object({
  complexity: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1).default(1),
  task: taskName.nullable().default(null),
  reason: z.string().default('no reason given'),
});

/** What a user's verifier says of an answer; other fields are left alone. */
export const verificationReply = z.object({
  passed: z.boolean(),
  score: z.number().min(0).max(1).nullish(),
  reason: z.string().nullish(),
});
