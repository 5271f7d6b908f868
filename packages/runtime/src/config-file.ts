import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { badShape, issuesOf, knownKeys, upshiftConfig, wordsOf } from '@upshift/contracts';
import type { UpshiftConfig } from '@upshift/contracts';
import { closest, distance } from 'fastest-levenshtein';
import { parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';

import { utf8Text } from './utf8-text.ts';

/** A configuration that can not be used, with every reason at once. */
export class ConfigError extends Error {
  readonly reasons: string[];

  constructor(source: string, reasons: string[]) {
    super(`${source} can not be used:\n${reasons.map((reason) => `  - ${reason}`).join('\n')}`);
    this.name = 'ConfigError';
    this.reasons = reasons;
  }
}

/** Reads `upshift.config.yaml`. Throws a `ConfigError` with all that is wrong with it. */
export function loadConfig(path: string): UpshiftConfig {
  return parseConfig(readConfigFile(path), path);
}

export function parseConfig(text: string, source: string): UpshiftConfig {
  const document = parseDocument(text);
  if (document.errors.length > 0)
    throw new ConfigError(
      source,
      document.errors.map(({ message }) => message),
    );
  const value = valueOf(document, source);
  const bad = badShape(value);
  if (bad) throw new ConfigError(source, [`${bad.field}: ${bad.message}`]);
  const parsed = upshiftConfig.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ConfigError(
    source,
    issuesOf(parsed.error).flatMap((issue) => explain(issue, value)),
  );
}

/** Throws a `ConfigError` for an alias that names nothing, and for so many of them that they would fill the memory. */
function valueOf(document: Document, source: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new ConfigError(source, [error instanceof Error ? error.message : String(error)]);
  }
}

/** Twelve hex digits that change with anything in the configuration. */
export function configVersionOf(config: UpshiftConfig): string {
  return createHash('sha256').update(JSON.stringify(config)).digest('hex').slice(0, 12);
}

function readConfigFile(path: string): string {
  try {
    const text = utf8Text(readFileSync(path));
    if (text !== null) return text;
  } catch (error) {
    throw new ConfigError(path, [
      `${error instanceof Error ? error.message : String(error)}; UPSHIFT_CONFIG names the file to read`,
    ]);
  }
  throw new ConfigError(path, ['it is not UTF-8; save it as UTF-8']);
}

function explain(issue: z.core.$ZodIssue, root: unknown): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(upshiftConfig, issue.path);
    return issue.keys.map((key) => `${[...issue.path, key].join('.')}: unknown key${nearest(key, known)}`);
  }
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], root);
  const shown = value === undefined || typeof value === 'object' ? '' : ` (is ${JSON.stringify(value)})`;
  return [`${issue.path.join('.') || 'the file'}${shown}: ${wordsOf(issue)}`];
}

function nearest(key: string, known: string[]): string {
  if (known.length === 0) return '';
  const best = closest(key, known);
  return distance(key, best) <= Math.max(2, key.length / 3) ? `; did you mean ${best}?` : `; known: ${known.join(', ')}`;
}
