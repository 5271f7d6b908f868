import { z } from 'zod';

/** A lower-case word under which something is kept. The one such word that every object has already would seem to be there always. */
export function keyName(word: z.ZodString): z.ZodString {
  const message = 'can not be constructor, which has a meaning of its own; take another name';
  return word.refine((name) => name !== 'constructor', message);
}

export const providerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]*$/, 'a provider is a lower-case word, as in openai or openai-eu');
export const taskName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'a task is a lower-case word, as in classification or code_generation');
export const webhookName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a webhook is a lower-case word, as in orders');
export const routeName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'a route is a lower-case word, as in default or chat');
