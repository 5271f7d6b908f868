import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** An answer of a model to a question, and whether it was right. */
export interface LabelledAnswer {
  /** Hash of the question's stem. */
  id: string;
  set: 'routellm_gsm8k' | 'zeroeval_gsm' | 'zeroeval_math' | 'mmlupro';
  model: string;
  prompt: string;
  answer: string;
  right: number;
}

type Json = Record<string, unknown>;

function lines(directory: string, file: string): Json[] {
  const text = gunzipSync(readFileSync(join(directory, `${file}.jsonl.gz`))).toString('utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
}

/** RouteLLM's GSM8K: Mixtral's answers, and beside them whether GPT-4 was right. */
export function readPair(directory: string): (LabelledAnswer & { strongRight: number; strongAnswer: string })[] {
  return lines(directory, 'routellm_gsm8k')
    .filter((row) => row['excluded_as_contaminated'] !== true)
    .map((row) => ({
      id: String(row['id']),
      set: 'routellm_gsm8k' as const,
      model: 'Mixtral-8x7B-Instruct-v0.1',
      prompt: String(row['prompt']),
      answer: String(row['weak_response']),
      right: Number(row['weak_ok']),
      strongRight: Number(row['strong_ok']),
      strongAnswer: String(row['strong_response']),
    }));
}

export function readZeroevalAnswers(directory: string, task: 'gsm' | 'math-l5', model: string): LabelledAnswer[] {
  const questions = new Map(lines(directory, `zeroeval_${task}_correct`).map((row) => [row['qid'], row]));
  return lines(directory, `zeroeval_${task}_responses_${model}`).flatMap((row) => {
    const question = questions.get(row['qid']);
    if (question === undefined) return [];
    const set = task === 'gsm' ? ('zeroeval_gsm' as const) : ('zeroeval_math' as const);
    return [
      {
        id: String(question['id']),
        set,
        model,
        prompt: String(question['question']),
        answer: String(row['response']),
        right: Number(row['ok']),
      },
    ];
  });
}

export function readMmluproAnswers(directory: string, model: string): LabelledAnswer[] {
  const questions = new Map(lines(directory, 'mmlupro_correct').map((row) => [row['question_id'], row]));
  return lines(directory, `mmlupro_responses_${model}`).flatMap((row) => {
    const question = questions.get(row['question_id']);
    if (question === undefined) return [];
    const options = (question['options'] as string[]).map((option, index) => `${String.fromCodePoint(65 + index)}. ${option}`);
    const prompt = [String(question['question']), ...options].join('\n');
    return [
      {
        id: String(question['id']),
        set: 'mmlupro' as const,
        model,
        prompt,
        answer: String(row['response']),
        right: Number(row['ok']),
      },
    ];
  });
}

/** The answers that weights may learn from: of models whose terms allow it (Apache-2.0 and MIT), and no others. */
export function readTrainingAnswers(directory: string): LabelledAnswer[] {
  return [
    ...readPair(directory).map(({ strongRight: _right, strongAnswer: _answer, ...row }) => row),
    ...readZeroevalAnswers(directory, 'gsm', 'Mixtral-8x7B-Instruct-v0.1'),
    ...readZeroevalAnswers(directory, 'gsm', 'Qwen2-7B-Instruct'),
    ...readZeroevalAnswers(directory, 'math-l5', 'Qwen2-7B-Instruct'),
    ...readMmluproAnswers(directory, 'Mixtral-8x7B-Instruct-v0.1'),
    ...readMmluproAnswers(directory, 'Phi-3-mini-4k-instruct'),
  ];
}
