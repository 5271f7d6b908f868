import { problemStatus } from '@upshift/contracts';

export const name = { name: 'name', in: 'path', required: true, schema: { type: 'string' } };

/** What may be wrong with a JSON body before anybody reads what it says. */
export const ofBody = ['malformed_json', 'body_too_large', 'unsupported_media_type'] as const;

/** The answers that stand for errors, by status. */
export function problems(...codes: (keyof typeof problemStatus)[]): Record<number, unknown> {
  const byStatus = Object.groupBy([...codes, 'internal_error' as const], (code) => problemStatus[code]);
  const content = { 'application/problem+json': { schema: ref('Problem') } };
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same]) => [status, { description: `code: ${same?.join(', ') ?? ''}`, content }]),
  );
}

/** An answer whose body is of a named schema. */
export function json(description: string, name: string): Record<string, unknown> {
  return { description, content: { 'application/json': { schema: ref(name) } } };
}

export function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}
