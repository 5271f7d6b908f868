import { z } from 'zod';

/** What a user's own labels change of the shipped classifier: new log-odds = intercept + slope · shipped log-odds + features. */
export const classifierProfile = z.strictObject({
  intercept: z.number().describe('Added to the log-odds that a stronger tier gains.'),
  slope: z.number().positive().describe('What the shipped log-odds are multiplied by.'),
  features: z
    .record(z.string(), z.number())
    .default({})
    .describe('By signal of the prompt: added to the log-odds for each standard deviation above its mean.'),
});
export type ClassifierProfile = z.infer<typeof classifierProfile>;
