import { Ajv, str } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import { compileOfSchema } from './patterns.ts';

/** Compiled schemas kept: a route's jobs mostly share one. */
const KEPT_SCHEMAS = 200;
const compiled = new Map<string, ValidateFunction>();

/** Compiles a client's schema. Throws with ajv's reason where it is no schema. */
export function compileSchema(schema: Record<string, unknown>): ValidateFunction {
  const key = JSON.stringify(schema);
  const kept = compiled.get(key);
  if (kept) return kept;
  // An asynchronous validator would answer with a promise, which is neither yes nor no.
  if (key.includes('"$async"')) throw new Error('$async schemas are not supported');
  // Of a number ajv says that `id.replace is not a function`.
  if (typeof (schema['$id'] ?? '') !== 'string') throw new Error('$id must be a text');
  const validate = newAjv(schema['$schema']).compile(withoutDialect(schema));
  refuseEndless(validate);
  if (compiled.size >= KEPT_SCHEMAS) compiled.delete(compiled.keys().next().value ?? '');
  compiled.set(key, validate);
  return validate;
}

/** Steps that the patterns of a schema may have together: to compile so many takes some 50 ms. */
const MOST_STEPS = 50_000;

/** Compiles the patterns of one schema. */
function patternsOfOne(): typeof compileOfSchema {
  let steps = 0;
  return (text) => {
    const pattern = compileOfSchema(text);
    steps += pattern.steps;
    if (steps > MOST_STEPS) throw new Error(`its patterns repeat too much: they may have ${MOST_STEPS} steps together`);
    return pattern;
  };
}

/** A new instance each time: ajv keeps every schema it has seen, and these are clients'. */
function newAjv(dialect: unknown): Ajv | Ajv2020 {
  // ajv keeps patterns by their text: without one of its own, each would be taken for the first.
  const compileWithin = patternsOfOne();
  const regExp = Object.assign((pattern: string) => ({ ...compileWithin(pattern), toString: () => pattern }), {
    code: 'compileOfSchema',
  });
  const code = { regExp };
  // Without own ones only, every object would have a `constructor`.
  const options = { strict: false, allErrors: false, logger: false, inlineRefs: false, ownProperties: true, code } as const;
  const ajv = DRAFT_7.test(String(dialect)) ? new Ajv(options) : new Ajv2020(options);
  formats.default(ajv);
  return withExactMultiples(withLinearTime(ajv));
}

/** Draft 6 differs in what it lacks. */
const DRAFT_7 = /json-schema\.org\/draft-0[67]\b/;

/** In place of what takes ajv time by the square of a text or a list. */
function withLinearTime(ajv: Ajv | Ajv2020): Ajv | Ajv2020 {
  const isUri = formats.default.get('uri') as (text: string) => boolean;
  ajv.addFormat('url', (text) => /^(?:https?|ftp):\/\/[^/?#]/i.test(text) && isUri(text));
  ajv.removeKeyword('uniqueItems');
  return ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: (wanted: boolean, items: unknown[]) => !wanted || new Set(items.map(canonical)).size === items.length,
  });
}

/** 19.99 is a multiple of 0.01, though a computer's division leaves a rest: as much as the last digits of all three numbers may make. */
function withExactMultiples(ajv: Ajv | Ajv2020): Ajv | Ajv2020 {
  ajv.removeKeyword('multipleOf');
  return ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    error: { message: ({ schemaCode }) => str`must be multiple of ${schemaCode}` },
    validate: (of: number, value: number) => {
      const quotient = value / of;
      return Math.abs(quotient - Math.round(quotient)) <= 4 * Number.EPSILON * Math.abs(quotient);
    },
  });
}

/** The same text for values that are equal, in whatever order their keys stand. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

/** A schema that comes back to itself at the same value has no end. */
function refuseEndless(validate: ValidateFunction): void {
  for (const value of [null, 0, '', [], {}]) {
    try {
      validate(value);
    } catch (error) {
      if (error instanceof RangeError) throw new Error('refers to itself without end', { cause: error });
      throw error;
    }
  }
}

/** Its dialect chooses the instance of ajv, which would refuse the name of another one. */
function withoutDialect({ $schema: _dialect, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema;
}

/** Why a value does not fit a schema; null where it does. */
export function misfit(schema: Record<string, unknown>, value: unknown): string | null {
  const validate = compileSchema(schema);
  try {
    return validate(value) ? null : explain(validate);
  } catch (error) {
    // Schemas that refer to themselves are followed as deep as the answer goes.
    if (error instanceof RangeError) return 'the answer is nested too deeply';
    throw error;
  }
}

/** Keywords whose messages leave out what they are about: it stands first among their parameters. */
const UNNAMED = ['additionalProperties', 'unevaluatedProperties', 'enum', 'const'];

function explain(validate: ValidateFunction): string {
  const error = validate.errors?.[0];
  if (!error) return 'not valid';
  const named = UNNAMED.includes(error.keyword) ? `: ${JSON.stringify(Object.values(error.params)[0])}` : '';
  return `${error.instancePath || 'the answer'} ${error.message ?? 'is not valid'}${named}`;
}
