import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { z } from 'zod';

/** A set of questions with the correctness of the models that answered them; `null` is an answer that was not recorded. */
export interface AnsweredQuestion {
  /** Hash of the question's stem: the same question has the same id in every set. */
  id: string;
  prompt: string;
  /** What the set says the question is about, as in `college_physics`. */
  subject: string | null;
  /** By model, 0 to 1. */
  right: Map<string, number>;
}

const routellmRow = z.object({
  id: z.string(),
  prompt: z.string(),
  domain: z.string().optional(),
  gold: z.string().optional(),
  weak_ok: z.boolean(),
  strong_ok: z.boolean(),
  weak_response: z.string().optional(),
  strong_response: z.string().optional(),
  excluded_as_contaminated: z.boolean(),
});
/** One question of RouteLLM's pair. */
export type RoutellmRow = z.infer<typeof routellmRow>;

const zeroevalRow = z.object({
  id: z.string(),
  qid: z.string(),
  question: z.string(),
  ok: z.string(),
  chars: z.array(z.number()),
});
const mmluproRow = z.object({
  id: z.string(),
  question: z.string(),
  options: z.array(z.string()),
  category: z.string(),
  src: z.string(),
  ok: z.string(),
  chars: z.array(z.number()),
});
const llmrouterRow = z.object({ id: z.string(), task: z.string(), question: z.string(), scores: z.array(z.number()) });
const namesOfModels = z.union([z.array(z.string()), z.object({ models: z.array(z.string()) })]);

/** RouteLLM's questions, without those that it leaves out as contaminated. */
export function readRoutellm(directory: string, set: 'gsm8k' | 'mmlu'): RoutellmRow[] {
  return readLines(directory, `routellm_${set}`, routellmRow).filter((row) => !row.excluded_as_contaminated);
}

export function readZeroeval(directory: string, set: 'gsm' | 'math-l5'): AnsweredQuestion[] {
  const models = readModels(directory, `zeroeval_${set}`);
  return readLines(directory, `zeroeval_${set}_correct`, zeroevalRow).map(({ id, question, ok }) => ({
    id,
    prompt: question,
    subject: null,
    right: rightOf(models, ok),
  }));
}

/** MMLU-Pro, with the options written as MMLU writes them. */
export function readMmlupro(directory: string): AnsweredQuestion[] {
  const models = readModels(directory, 'mmlupro');
  return readLines(directory, 'mmlupro_correct', mmluproRow).map(({ id, question, options, src, ok }) => ({
    id,
    prompt: withOptions(question, options),
    subject: src,
    right: rightOf(models, ok),
  }));
}

export function readLlmrouter(directory: string): AnsweredQuestion[] {
  const models = readModels(directory, 'llmrouter');
  return readLines(directory, 'llmrouter_train', llmrouterRow).map(({ id, task, question, scores }) => ({
    id,
    prompt: question,
    subject: task,
    right: new Map(models.flatMap((model, index) => (scores[index] === undefined ? [] : [[model, scores[index]]]))),
  }));
}

function withOptions(question: string, options: string[]): string {
  return [question, ...options.map((option, index) => `${String.fromCodePoint(65 + index)}. ${option}`), 'Answer:'].join('\n');
}

function rightOf(models: string[], ok: string): Map<string, number> {
  return new Map(models.flatMap((model, index) => (ok[index] === '1' || ok[index] === '0' ? [[model, Number(ok[index])]] : [])));
}

function readModels(directory: string, set: string): string[] {
  const names = namesOfModels.parse(JSON.parse(readFileSync(join(directory, `${set}_models.json`), 'utf8')));
  return Array.isArray(names) ? names : names.models;
}

function readLines<Schema extends z.ZodType>(directory: string, file: string, schema: Schema): z.output<Schema>[] {
  const path = join(directory, `${file}.jsonl.gz`);
  if (!existsSync(path)) throw new Error(`there is no ${path}; --data names the folder with the recorded answers`);
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => schema.parse(JSON.parse(line)));
}
