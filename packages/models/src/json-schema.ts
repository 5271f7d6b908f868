/** The schema and all schemas within it. A property that is named like a keyword is none. */
export function schemasIn(schema: unknown): unknown[] {
  const { properties, $defs, definitions, anyOf, oneOf, items } = fieldsOf(schema);
  const inner = [properties, $defs, definitions, anyOf, oneOf].flatMap((schemas) => Object.values(fieldsOf(schemas)));
  return [schema, ...[...inner, ...(items === undefined ? [] : [items])].flatMap(schemasIn)];
}

/** What an object has; nothing for anything else, as a schema may be `true`. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
