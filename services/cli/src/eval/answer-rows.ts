import type { LabelledAnswer } from '@upshift/routing';

import { readRoutellm } from './load-data.ts';
import { readRows, rowOf, withOptions } from './read-rows.ts';

/** The weak model's answers of RouteLLM's GSM8K. */
function readPairAnswers(directory: string): LabelledAnswer[] {
  return readRoutellm(directory, 'gsm8k').map(({ id, prompt, weak_response: answer = '', weak_ok: ok }) => ({
    id,
    prompt,
    answer,
    right: Number(ok),
  }));
}

/** The answers of a model of ZeroEval. */
export function readZeroevalAnswers(directory: string, task: 'gsm' | 'math-l5', model: string): LabelledAnswer[] {
  const questions = new Map(readRows(directory, `zeroeval_${task}_correct`, rowOf.zeroeval).map((row) => [row.qid, row]));
  return readRows(directory, `zeroeval_${task}_responses_${model}`, rowOf.zeroevalAnswer).flatMap(({ qid, ok, response }) => {
    const question = questions.get(qid);
    return question === undefined ? [] : [{ id: question.id, prompt: question.question, answer: response, right: ok }];
  });
}

/** The answers of a model to MMLU-Pro. */
export function readMmluproAnswers(directory: string, model: string): LabelledAnswer[] {
  const questions = new Map(readRows(directory, 'mmlupro_correct', rowOf.mmlupro).map((row) => [row.question_id, row]));
  return readRows(directory, `mmlupro_responses_${model}`, rowOf.mmluproAnswer).flatMap(
    ({ question_id: number, ok, response }) => {
      const question = questions.get(number);
      if (question === undefined) return [];
      return [{ id: question.id, prompt: withOptions(question.question, question.options), answer: response, right: ok }];
    },
  );
}

/** The answers that weights may learn from: of models whose terms allow it (Apache-2.0 and MIT), and no others. */
export function readTrainingAnswers(directory: string): LabelledAnswer[] {
  return [
    ...readPairAnswers(directory),
    ...readZeroevalAnswers(directory, 'gsm', 'Mixtral-8x7B-Instruct-v0.1'),
    ...readZeroevalAnswers(directory, 'gsm', 'Qwen2-7B-Instruct'),
    ...readZeroevalAnswers(directory, 'math-l5', 'Qwen2-7B-Instruct'),
    ...readMmluproAnswers(directory, 'Mixtral-8x7B-Instruct-v0.1'),
    ...readMmluproAnswers(directory, 'Phi-3-mini-4k-instruct'),
  ];
}
