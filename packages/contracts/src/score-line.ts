import { z } from 'zod';

/** A line that `upshift score` reads. Other keys are the user's own. */
export const scoreLine = z.object({
  prompt: z.string(),
  answer: z.string(),
  others: z.array(z.string()).max(100).default([]).describe('Further cheap answers to the same prompt.'),
});

/** A line that `upshift classify` reads. Other keys are the user's own. */
export const classifyLine = z.object({ prompt: z.string() });
