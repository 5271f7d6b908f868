import { z } from 'zod';

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  oneOf?: SchemaNode[];
  anyOf?: SchemaNode[];
}

/** The keys that a schema knows at a path, for an error about one that it does not: found in its JSON Schema, which is plain data to walk. */
export function knownKeys(schema: z.ZodType, path: PropertyKey[]): string[] {
  let nodes: SchemaNode[] = [jsonSchemaOf(schema)];
  for (const key of path) nodes = nodes.flatMap(alternatives).flatMap((node) => child(node, key));
  return [...new Set(nodes.flatMap(alternatives).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** Made once per schema: a bulk request may hold a million bad lines. */
const jsonSchemas = new WeakMap<z.ZodType, SchemaNode>();

function jsonSchemaOf(schema: z.ZodType): SchemaNode {
  const known = jsonSchemas.get(schema);
  if (known) return known;
  const made = z.toJSONSchema(schema, { io: 'input' }) as SchemaNode;
  jsonSchemas.set(schema, made);
  return made;
}

function alternatives(node: SchemaNode): SchemaNode[] {
  return node.oneOf ?? node.anyOf ?? [node];
}

function child(node: SchemaNode, key: PropertyKey): SchemaNode[] {
  if (typeof key === 'number') return node.items ? [node.items] : [];
  const named = node.properties?.[String(key)];
  if (named) return [named];
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}
