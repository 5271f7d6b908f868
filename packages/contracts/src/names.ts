import { z } from 'zod';

export const providerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a provider is a lower-case word, as in openai or openai-eu');
export const taskName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'a task is a lower-case word, as in classification or code_generation');
export const webhookName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a webhook is a lower-case word, as in orders');
export const routeName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a route is a lower-case word, as in default or chat');
