import { z } from 'zod';

import { reasoningEffort } from './input.ts';

/** Parameters that a route sets for its jobs where they give none themselves. */
export const routeParameters = z.strictObject({
  max_output_tokens: z.int().positive().max(1_000_000).optional().describe('For jobs that do not say it.'),
  temperature: z.number().min(0).max(2).optional().describe('For jobs that do not say it; left out for models that reject it.'),
  top_p: z.number().gt(0).max(1).optional().describe('For jobs that do not say it; left out for models that reject it.'),
  reasoning_effort: reasoningEffort.optional().describe('For jobs that do not say it; left out for models that reject it.'),
});
