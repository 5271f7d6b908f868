import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import { compilePattern } from './patterns.ts';

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
  const validate = newAjv().compile(withoutDialect(schema));
  if (compiled.size >= KEPT_SCHEMAS) compiled.delete(compiled.keys().next().value ?? '');
  compiled.set(key, validate);
  return validate;
}

/** A new instance each time: ajv keeps every schema it has seen, and these are clients'. */
function newAjv(): Ajv2020 {
  // ajv keeps patterns by their text: without one of its own, each would be taken for the first.
  const regExp = Object.assign((pattern: string) => ({ ...compilePattern(pattern), toString: () => pattern }), {
    code: 'compilePattern',
  });
  const ajv = new Ajv2020({ strict: false, allErrors: false, code: { regExp } });
  formats.default(ajv);
  return ajv;
}

/** Draft 7 and 2020-12 mean the same for what clients write; ajv would refuse the other one's name. */
function withoutDialect({ $schema: _dialect, $id: _id, ...schema }: Record<string, unknown>): Record<string, unknown> {
  return schema;
}

export function explain(validate: ValidateFunction): string {
  const error = validate.errors?.[0];
  return error ? `${error.instancePath || 'the answer'} ${error.message ?? 'is not valid'}` : 'not valid';
}
