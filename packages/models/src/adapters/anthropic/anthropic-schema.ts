import { transformJSONSchema } from '@anthropic-ai/sdk/lib/transform-json-schema';

import { fieldsOf, schemasIn } from '../../json-schema.ts';

type Schema = Record<string, unknown>;

/** The schema as the API takes it: every object closed, what it can not enforce told in descriptions. Null where that would ask for something else. */
export function enforceableSchema(schema: Schema): Schema | null {
  try {
    const isKept = schemasIn(schema).every((node) => keepsMeaning(fieldsOf(node))) && endsSomewhere(schema);
    return isKept ? transformJSONSchema(schema) : null;
  } catch {
    // A part without a type, or one nested too deeply.
    return null;
  }
}

/** The SDK closes objects that are open on purpose, and loses what stands in a list of types or beside alternatives. */
function keepsMeaning({ type, properties, anyOf, oneOf, allOf, ...node }: Schema): boolean {
  if (allOf !== undefined) return false;
  if (anyOf !== undefined || oneOf !== undefined) return type === undefined && properties === undefined;
  if (Array.isArray(type)) return !type.includes('object') && !type.includes('array');
  return type !== 'object' || isRecord(fieldsOf(properties), node);
}

/** Whether an object has named properties and no others, as opposed to a map. */
function isRecord(properties: Schema, { additionalProperties, patternProperties, required }: Schema): boolean {
  if (patternProperties !== undefined) return false;
  if (!Object.values(fieldsOf(required)).every((name) => Object.hasOwn(properties, String(name)))) return false;
  return additionalProperties === false || (additionalProperties === undefined && Object.keys(properties).length > 0);
}

/** Whether every reference is to a definition, and none leads back to itself: the API has no recursion. */
function endsSomewhere(schema: Schema): boolean {
  const definitions = new Map(Object.entries(fieldsOf(schema['$defs'])).map(([name, node]) => [`#/$defs/${name}`, node]));
  const seen = new Set<string>();
  const ends = (reference: string, above: string[]): boolean => {
    if (above.includes(reference) || !definitions.has(reference)) return false;
    if (seen.has(reference)) return true;
    seen.add(reference);
    return referencesIn(definitions.get(reference)).every((next) => ends(next, [...above, reference]));
  };
  return referencesIn(schema).every((reference) => ends(reference, []));
}

function referencesIn(schema: unknown): string[] {
  return schemasIn(schema).flatMap((node) => ('$ref' in fieldsOf(node) ? [String(fieldsOf(node)['$ref'])] : []));
}
