import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { knownKeys } from '@upshift/contracts';
import { z } from 'zod';

import { CommandError, exitCode } from '../exit-code.ts';
import { parseLine } from '../parse-line.ts';

/** Questions of a set, each with whether every model was right: a character per model, `1`, `0`, or `-` where it was not asked. */
const correctness = { id: z.string(), ok: z.string(), chars: z.array(z.number()) };

export const rowOf = {
  routellm: z.object({
    id: z.string(),
    prompt: z.string(),
    domain: z.string().optional(),
    gold: z.string().optional(),
    weak_ok: z.boolean(),
    strong_ok: z.boolean(),
    weak_response: z.string().optional(),
    strong_response: z.string().optional(),
    excluded_as_contaminated: z.boolean(),
  }),
  zeroeval: z.object({ ...correctness, qid: z.string(), question: z.string() }),
  mmlupro: z.object({
    ...correctness,
    question_id: z.number(),
    question: z.string(),
    options: z.array(z.string()),
    src: z.string(),
  }),
  zeroevalAnswer: z.object({ qid: z.string(), ok: z.number(), response: z.string() }),
  mmluproAnswer: z.object({ question_id: z.number(), ok: z.number(), response: z.string() }),
  llmrouter: z.object({ id: z.string(), task: z.string(), question: z.string(), scores: z.array(z.number()) }),
  wildbench: z.object({
    session_id: z.string(),
    models: z.record(z.string(), z.object({ score: z.number(), response: z.string() })),
  }),
};

/** One question of RouteLLM's pair. */
export type RoutellmRow = z.infer<(typeof rowOf)['routellm']>;

/** A file of recorded answers that is not in its folder. */
export class MissingFile extends CommandError {
  constructor(path: string) {
    super(`There is no ${path}; --data names the folder with the recorded answers.`, exitCode.refused);
  }
}

/** The rows of `<file>.jsonl.gz`. */
export function readRows<Schema extends z.ZodType>(directory: string, file: string, schema: Schema): z.output<Schema>[] {
  const path = join(directory, `${file}.jsonl.gz`);
  if (!existsSync(path)) throw new MissingFile(path);
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n');
  const shape = `an object with ${knownKeys(schema, []).join(', ')}`;
  return lines.flatMap((text, index) =>
    text === '' ? [] : [parseLine({ text, where: `${path}, line ${index + 1}` }, schema, shape)],
  );
}

const namesOfModels = z.union([z.array(z.string()), z.object({ models: z.array(z.string()) })]);

/** The models of a set, in the order of its correctness. */
export function readModels(directory: string, set: string): string[] {
  const path = join(directory, `${set}_models.json`);
  if (!existsSync(path)) throw new MissingFile(path);
  const names = namesOfModels.parse(JSON.parse(readFileSync(path, 'utf8')));
  return Array.isArray(names) ? names : names.models;
}

/** A question with its options, as exams write them. */
export function withOptions(question: string, options: string[]): string {
  return [question, ...options.map((option, index) => `${String.fromCodePoint(65 + index)}. ${option}`)].join('\n');
}
