import { fieldsOf, schemasIn } from '../../json-schema.ts';

/** What strict mode knows. With any other keyword, such as `default`, `oneOf` or `minLength`, the vendor answers 400. */
const keywords = new Set(
  [
    '$schema $defs definitions title description type anyOf enum const format pattern properties required additionalProperties',
    'items minItems maxItems minimum maximum exclusiveMinimum exclusiveMaximum multipleOf',
  ].flatMap((line) => line.split(' ')),
);
/** Or none. */
const formats: unknown[] = [undefined, 'date-time', 'time', 'date', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'];

/** Whether the vendor can hold the model to the schema. It refuses, with 400, to be strict about any other. */
export function isStrict(schema: unknown): boolean {
  const { type, anyOf } = fieldsOf(schema);
  return type === 'object' && anyOf === undefined && schemasIn(schema).every((node) => isStrictNode(fieldsOf(node)));
}

function isStrictNode(node: Record<string, unknown>): boolean {
  const names = Object.keys(node);
  // Nothing may stand beside a reference.
  if (typeof node['$ref'] === 'string') return names.length === 1 && node['$ref'].startsWith('#');
  const saysWhat = ['type', 'anyOf', 'enum', 'const'].some((name) => name in node);
  const isKnown = names.every((name) => keywords.has(name)) && formats.includes(node['format']);
  return saysWhat && isKnown && isWhole(node);
}

/** An object must be closed and require all that it has, a list say what is in it. */
function isWhole({ type, properties, required = [], additionalProperties, items }: Record<string, unknown>): boolean {
  const types = [type].flat();
  if (types.includes('array') && items === undefined) return false;
  if (!types.includes('object') && properties === undefined) return true;
  const names = Object.keys(fieldsOf(properties));
  const requiresAll =
    Array.isArray(required) && required.length === names.length && names.every((name) => required.includes(name));
  return additionalProperties === false && requiresAll;
}
