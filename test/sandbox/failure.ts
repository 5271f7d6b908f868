import { z } from 'zod';

type FailureDetails = { param?: string; code?: string; retryAfterS?: number; headers?: Record<string, string> };

/** A call that a vendor refuses: an HTTP status and a message; each vendor words the body in its own shape. */
export class Failure extends Error {
  readonly status: number;
  readonly details: FailureDetails;

  constructor(status: number, message: string, details: FailureDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** Parses a request body; the first thing wrong becomes a 400 that names the parameter. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = issue?.path.join('.') ?? '';
  throw new Failure(400, `${param}: ${issue?.message}`, { param });
}

/** Parses JSON text; the vendors answer 400 to text that is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(400, 'We could not parse the JSON body of your request.');
  }
}
