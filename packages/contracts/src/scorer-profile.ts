import { z } from 'zod';

/** What a user's own labels change of the shipped scorer: new log-odds = intercept + slope · shipped log-odds + features. */
export const scorerProfile = z.strictObject({
  intercept: z.number().describe('Added to the log-odds that an answer is right.'),
  slope: z.number().positive().describe('What the shipped log-odds are multiplied by.'),
  features: z
    .record(z.string(), z.number())
    .default({})
    .describe('By feature of prompt and answer: added to the log-odds for each standard deviation above its mean, four at most.'),
});
export type ScorerProfile = z.infer<typeof scorerProfile>;
