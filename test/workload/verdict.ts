import type { Check, JsonSchema, Row } from './entry.ts';

/** Small re-implementations of the router's structural checks and of the result table's matchers, to measure the workload with. */

export function isRight(row: Row, answer: string): boolean {
  switch (row.matcher) {
    case 'exact':
      return answer.trim().toLowerCase() === row.gold.trim().toLowerCase();
    case 'number':
      return lastNumber(answer) === row.gold;
    case 'json':
      return sameJson(parsed(answer), row.gold);
    case 'contains_all':
      return row.gold.every((fact) => answer.toLowerCase().includes(fact.toLowerCase()));
    case 'regex':
      return new RegExp(row.gold).test(answer);
    case 'vectors':
      throw new Error('an embedding row has no text answer');
  }
}

/** Whether an answer passes every check of the row that needs no model. */
export function passesStructure(row: Row, answer: string): boolean {
  return row.checks.every((check) => passesCheck(check, answer));
}

function passesCheck(check: Check, answer: string): boolean {
  switch (check.type) {
    case 'one_of':
      return check.values.includes(answer.trim());
    case 'contains': {
      const present = (value: string): boolean => answer.includes(value);
      return check.mode === 'all' ? check.values.every(present) : check.values.some(present);
    }
    case 'regex':
      return new RegExp(check.pattern).test(answer);
    case 'json':
      return parsed(answer) !== undefined;
    case 'json_schema':
      return fitsSchema(check.schema, parsed(answer));
    case 'length':
      return fitsLength(check, answer);
    case 'llm_judge':
      return true;
  }
}

function fitsLength(limits: Extract<Check, { type: 'length' }>, answer: string): boolean {
  const words = answer.split(/\s+/).filter((word) => word !== '').length;
  return (
    words >= (limits.min_words ?? 0) &&
    words <= (limits.max_words ?? Infinity) &&
    answer.length >= (limits.min_chars ?? 0) &&
    answer.length <= (limits.max_chars ?? Infinity)
  );
}

/** The part of JSON Schema which the workload uses. */
function fitsSchema(schema: JsonSchema, value: unknown): boolean {
  switch (schema.type) {
    case 'object':
      return isRecord(value) && fitsProperties(schema, value);
    case 'array':
      return (
        Array.isArray(value) &&
        value.length >= (schema.minItems ?? 0) &&
        value.every((item) => fitsSchema(schema.items ?? {}, item))
      );
    case 'string':
      return typeof value === 'string' && (schema.enum?.includes(value) ?? true) && new RegExp(schema.pattern ?? '').test(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return value !== undefined;
  }
}

function fitsProperties(schema: JsonSchema, value: Record<string, unknown>): boolean {
  const properties = schema.properties ?? {};
  const complete = (schema.required ?? []).every((key) => key in value);
  return (
    complete &&
    Object.entries(value).every(([key, item]) => {
      const property = properties[key];
      return property === undefined ? schema.additionalProperties !== false : fitsSchema(property, item);
    })
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return undefined;
  }
}

function sameJson(left: unknown, right: unknown): boolean {
  if (Array.isArray(left))
    return Array.isArray(right) && left.length === right.length && left.every((item, index) => sameJson(item, right[index]));
  if (!isRecord(left) || !isRecord(right)) return left === right;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && sameJson(left[key], right[key]));
}

function lastNumber(answer: string): number | undefined {
  const number = answer.match(/-?\d+(?:\.\d+)?/g)?.at(-1);
  return number === undefined ? undefined : Number(number);
}
