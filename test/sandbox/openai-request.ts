import { z } from 'zod';
import { Failure } from './failure.ts';

/** A JSON Schema as both of OpenAI's APIs take it: the name is required. */
export const jsonSchemaFormat = z.looseObject({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  schema: z.record(z.string(), z.unknown()).optional(),
});

/** OpenAI refuses parameters that it does not know. */
export function refuseUnknown(request: object, known: ReadonlySet<string>): void {
  const unknown = Object.keys(request).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new Failure(400, `Unknown parameter: '${unknown}'.`, { param: unknown, code: 'unknown_parameter' });
}
