import { z } from 'zod';

/** Parameters that a route sets for its jobs where they give none themselves. */
export const routeParameters = z.strictObject({
  max_output_tokens: z.int().positive().max(1_000_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).optional(),
});
export type RouteParameters = z.infer<typeof routeParameters>;
