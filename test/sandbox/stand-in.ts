import type { Call } from './endpoint.ts';
import { Failure } from './failure.ts';

const JUDGE_OPENING = 'You grade answers.';
const JUDGEMENT = JSON.stringify({ score: 0.8, reason: 'The sandbox does not know this answer.' });
const QUOTED_WORDS = 8;
/** Levels of a recursive schema after which optional ways out are looked for. */
const DEEPEST = 24;

/** The answer to a prompt that no book knows: always the same for the same prompt. */
export function standIn(call: Pick<Call, 'system' | 'text' | 'schema'>): string {
  if (call.system.startsWith(JUDGE_OPENING)) return JUDGEMENT;
  if (call.schema === true) return JSON.stringify({ answer: sentence(call.text) });
  if (call.schema !== undefined) return JSON.stringify(minimalInstance(call.schema));
  return sentence(call.text);
}

function sentence(text: string): string {
  const words = text.trim().split(/\s+/);
  const more = words.length > QUOTED_WORDS ? ' …' : '';
  return `This is the provider sandbox, which has no answer in its book for "${words.slice(0, QUOTED_WORDS).join(' ')}${more}".`;
}

type SchemaObject = Record<string, unknown>;

/** A smallest value valid for a JSON Schema: types, required, const, enum, bounds, nested, `$ref` within the schema. Patterns are not honoured. */
export function minimalInstance(schema: unknown): unknown {
  return instance(schema, schema, 0);
}

function instance(schema: unknown, root: unknown, depth: number): unknown {
  if (!isObject(schema)) return {};
  if (depth > DEEPEST) throw new Failure(400, 'The schema has no finite instance, or is nested too deeply for the sandbox.');
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  if (typeof schema['$ref'] === 'string') return instance(resolve(root, schema['$ref']), root, depth + 1);
  if (Array.isArray(schema['allOf'])) return instance(merged(schema, root), root, depth + 1);
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices)) return simplest(choices, root, depth);
  return ofType(schema, root, depth);
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolve(root: unknown, reference: string): unknown {
  const steps = reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '');
  return steps.reduce<unknown>((value, step) => (isObject(value) ? value[unescapeStep(step)] : undefined), root);
}

function unescapeStep(step: string): string {
  return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The first choice that ends: a recursive schema often offers itself first and `null` last. */
function simplest(choices: readonly unknown[], root: unknown, depth: number): unknown {
  for (const [index, choice] of choices.entries()) {
    try {
      return instance(choice, root, depth + 1);
    } catch (error) {
      if (index === choices.length - 1) throw error;
    }
  }
  return null;
}

function merged(schema: SchemaObject, root: unknown): SchemaObject {
  const { allOf, ...own } = schema;
  const parts = [own, ...(allOf as unknown[])].map((part) => dereferenced(part, root));
  return {
    ...Object.assign({}, ...parts),
    properties: Object.assign({}, ...parts.map((part) => part['properties'])),
    required: [...new Set(parts.flatMap((part) => part['required'] ?? []))],
  };
}

function dereferenced(part: unknown, root: unknown): SchemaObject {
  const target = isObject(part) && typeof part['$ref'] === 'string' ? resolve(root, part['$ref']) : part;
  return isObject(target) ? target : {};
}

function typeName(schema: SchemaObject): unknown {
  if (schema['type'] === undefined) return 'items' in schema ? 'array' : 'object';
  return Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
}

function ofType(schema: SchemaObject, root: unknown, depth: number): unknown {
  switch (typeName(schema)) {
    case 'string':
      return minimalString(schema);
    case 'integer':
      return minimalNumber(schema, 1);
    case 'number':
      return minimalNumber(schema, undefined);
    case 'boolean':
      return false;
    case 'null':
      return null;
    case 'array':
      return minimalArray(schema, root, depth);
    default:
      return minimalObject(schema, root, depth);
  }
}

const FORMATS: Record<string, string> = {
  'date-time': '2026-01-01T00:00:00Z',
  date: '2026-01-01',
  time: '00:00:00Z',
  duration: 'P1D',
  email: 'sandbox@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function minimalString(schema: SchemaObject): string {
  const example = FORMATS[String(schema['format'])] ?? '';
  return example.padEnd(Number(schema['minLength'] ?? 0), 'x');
}

function minimalNumber(schema: SchemaObject, smallestStep: number | undefined): number {
  const step = numberOf(schema['multipleOf']) ?? smallestStep;
  const low = numberOf(schema['minimum'] ?? schema['exclusiveMinimum']) ?? -Infinity;
  const high = numberOf(schema['maximum'] ?? schema['exclusiveMaximum']) ?? Infinity;
  const guesses = [0, low, low + (step ?? 1), high, high - (step ?? 1), (low + high) / 2];
  const candidates =
    step === undefined ? guesses : guesses.flatMap((guess) => [Math.ceil(guess / step) * step, Math.floor(guess / step) * step]);
  return candidates.find((candidate) => withinBounds(schema, candidate)) ?? 0;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function withinBounds(schema: SchemaObject, value: number): boolean {
  return (
    Number.isFinite(value) &&
    value >= (numberOf(schema['minimum']) ?? -Infinity) &&
    value <= (numberOf(schema['maximum']) ?? Infinity) &&
    value > (numberOf(schema['exclusiveMinimum']) ?? -Infinity) &&
    value < (numberOf(schema['exclusiveMaximum']) ?? Infinity)
  );
}

function minimalArray(schema: SchemaObject, root: unknown, depth: number): unknown[] {
  const first = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : [];
  const length = Math.max(Number(schema['minItems'] ?? 0), first.length);
  return Array.from({ length }, (_, index) => instance(first[index] ?? schema['items'], root, depth + 1));
}

function minimalObject(schema: SchemaObject, root: unknown, depth: number): SchemaObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  return Object.fromEntries(required.map((name) => [name, instance(properties[name], root, depth + 1)]));
}
