import { readModels, readRows, rowOf, withOptions } from './read-rows.ts';
import type { RoutellmRow } from './read-rows.ts';

/** A question with the correctness of the models that answered it. */
export interface AnsweredQuestion {
  /** Hash of the question's stem: the same question has the same id in every set. */
  id: string;
  prompt: string;
  /** What the set says the question is about, as in `college_physics`. */
  subject: string | null;
  /** By model, 0 to 1; models that were not asked are missing. */
  right: Map<string, number>;
  /** Length of each model's answer in characters, where it is known. */
  characters: Map<string, number>;
}

/** RouteLLM's questions, without those that it leaves out as contaminated. */
export function readRoutellm(directory: string, set: 'gsm8k' | 'mmlu'): RoutellmRow[] {
  return readRows(directory, `routellm_${set}`, rowOf.routellm).filter((row) => !row.excluded_as_contaminated);
}

export function readZeroeval(directory: string, set: 'gsm' | 'math-l5'): AnsweredQuestion[] {
  const models = readModels(directory, `zeroeval_${set}`);
  return readRows(directory, `zeroeval_${set}_correct`, rowOf.zeroeval).map(({ id, question, ok, chars }) => ({
    id,
    prompt: question,
    subject: null,
    ...byModel(models, ok, chars),
  }));
}

/** MMLU-Pro, with the options written as MMLU writes them. */
export function readMmlupro(directory: string): AnsweredQuestion[] {
  const models = readModels(directory, 'mmlupro');
  return readRows(directory, 'mmlupro_correct', rowOf.mmlupro).map(({ id, question, options, src, ok, chars }) => ({
    id,
    prompt: `${withOptions(question, options)}\nAnswer:`,
    subject: src,
    ...byModel(models, ok, chars),
  }));
}

export function readLlmrouter(directory: string): AnsweredQuestion[] {
  const models = readModels(directory, 'llmrouter');
  return readRows(directory, 'llmrouter_train', rowOf.llmrouter).map(({ id, task, question, scores }) => ({
    id,
    prompt: question,
    subject: task,
    right: new Map(models.flatMap((model, index) => (scores[index] === undefined ? [] : [[model, scores[index]]]))),
    characters: new Map(),
  }));
}

function byModel(models: string[], ok: string, chars: number[]): Pick<AnsweredQuestion, 'right' | 'characters'> {
  const asked = models.flatMap((model, index) => (ok[index] === '1' || ok[index] === '0' ? [{ model, index }] : []));
  return {
    right: new Map(asked.map(({ model, index }) => [model, Number(ok[index])])),
    characters: new Map(asked.map(({ model, index }) => [model, chars[index] ?? 0])),
  };
}
