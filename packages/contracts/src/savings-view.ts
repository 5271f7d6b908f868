import { z } from 'zod';

const alternative = z.object({ model: z.string(), cost_usd: z.number() });

/** What a route, or all of them, cost and would have cost otherwise. USD; unknown costs are in no sum. */
export const savingsRow = z.object({
  jobs: z.int().describe('That ended in these days.'),
  good: z.int().describe('Of these, the ones whose answer was accepted.'),
  cost_usd: z.number().describe('What was paid, audits and shadows left out.'),
  scoring_usd: z.number().describe('Of the cost: judges, answers to compare with, models that classify.'),
  lost_usd: z.number().describe('Of the cost: answers that were not the result, and jobs without one.'),
  perfect_usd: z.number().describe('A router that always knows: the answers that became results, and nothing else.'),
  audits_usd: z.number().describe('Paid beside the cost for answers that nobody was told: shadows and audits.'),
  all_premium: alternative
    .nullable()
    .describe('The first model of the top tier for everything; null where its cost is not known of all answers.'),
  all_economy: alternative.nullable().describe('The first model of the lowest tier for everything; null likewise.'),
  best_single: alternative
    .nullable()
    .describe('The cheapest model that passes at first as often as Upshift does in the end; null where too few are measured.'),
  saved_usd: z.number().nullable().describe('Against the top tier’s model.'),
  models: z.array(
    z.object({
      model: z.string(),
      cost_usd: z
        .number()
        .nullable()
        .describe('This model for everything; null where it is not known of all answers: it was not declared, or had no price.'),
      first_answers: z.int().describe('Judged answers of this model where it was asked first.'),
      passed: z.int(),
    }),
  ),
});
export type SavingsRow = z.infer<typeof savingsRow>;

/** `GET /v1/savings`: by route and in total. */
export const savingsView = z.object({
  from: z.iso.date().describe('The first day (UTC).'),
  to: z.iso.date(),
  total: savingsRow,
  routes: z.record(z.string(), savingsRow),
});
export type SavingsView = z.infer<typeof savingsView>;
