import type { LabelledAnswer } from '@upshift/routing';

import { readMmluproAnswers, readZeroevalAnswers } from './answer-rows.ts';
import { readLlmrouter, readMmlupro, readRoutellm, readZeroeval } from './load-data.ts';
import type { AnsweredQuestion } from './load-data.ts';
import { mean } from './metrics.ts';
import { callUsd, hasPrice } from './prices.ts';
import { MissingFile, readRows, rowOf } from './read-rows.ts';

/** A question that both models of a pair have answered. */
export interface PairQuestion {
  id: string;
  prompt: string;
  domain: string | null;
  /** What each model's answer is worth, 0 to 1. */
  weak: number;
  strong: number;
  weakUsd: number;
  strongUsd: number;
  /** The weak model's answer, and further cheap ones, where texts were recorded. */
  answer: string | null;
  others: { answer: string; usd: number }[];
}

/** A data set with a cheap and a dear model. */
export interface Pair {
  name: string;
  weakModel: string;
  strongModel: string;
  /** Models that give the further cheap answers. */
  otherModels: string[];
  questions: PairQuestion[];
  /** All priced models on the same questions: what each costs as a share of the strong one, and how often it is right. */
  singles: { model: string; cost: number; quality: number }[];
}

/** RouteLLM's file has GPT-4's labels as they are, and 42 of them are wrong: its answer equals the gold and is marked wrong. */
type Labels = 'as published' | 'corrected';

/** All pairs of a folder of recorded answers; those whose files are not there are told of and left out. */
export function readPairs(directory: string, leftOut: (reason: string) => void): Pair[] {
  const gsmOthers = ['Qwen2-7B-Instruct', 'gemma-2-9b-it'];
  const readers: (() => Pair)[] = [
    () => routellmGsm(directory, 'as published'),
    () => routellmGsm(directory, 'corrected'),
    () => routellmMmlu(directory),
    () => zeroeval(directory, 'gsm', 'Meta-Llama-3.1-8B-Instruct', 'gpt-4o-2024-08-06', gsmOthers),
    () => zeroeval(directory, 'gsm', 'gpt-3.5-turbo-0125', 'claude-3-5-sonnet-20241022', gsmOthers),
    () => zeroeval(directory, 'math-l5', 'Meta-Llama-3.1-8B-Instruct', 'gpt-4o-2024-08-06', gsmOthers),
    () => mmlupro(directory, 'gemini-1.5-flash-002', 'gpt4o-202405', ['Meta-Llama-3_1-70B-Instruct']),
    () =>
      mmlupro(directory, 'Meta-Llama-3_1-8B-Instruct', 'gpt4o-202405', ['Mixtral-8x7B-Instruct-v0.1', 'Phi-3-mini-4k-instruct']),
    () => mixedTasks(directory),
    () => openChat(directory),
  ];
  return readers.flatMap((read) => {
    try {
      return [read()];
    } catch (error) {
      if (!(error instanceof MissingFile)) throw error;
      leftOut(error.message);
      return [];
    }
  });
}

function routellmGsm(directory: string, labels: Labels): Pair {
  const [weakModel, strongModel, other] = ['Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106', 'Qwen2-7B-Instruct'];
  const others = new Map(readZeroevalAnswers(directory, 'gsm', other).map(({ id, answer }) => [id, answer]));
  const questions = readRoutellm(directory, 'gsm8k').map((row): PairQuestion => {
    const { id, prompt, gold = '', weak_response: answer = '', strong_response: strongAnswer = '' } = row;
    const second = others.get(id);
    return {
      id,
      prompt,
      domain: null,
      weak: Number(row.weak_ok),
      strong: Number(row.strong_ok || (labels === 'corrected' && comesTo(strongAnswer, gold))),
      weakUsd: callUsd(weakModel, prompt.length, answer.length),
      strongUsd: callUsd(strongModel, prompt.length, strongAnswer.length),
      answer,
      others: second === undefined ? [] : [{ answer: second, usd: callUsd(other, prompt.length, second.length) }],
    };
  });
  const name = labels === 'corrected' ? 'GSM8K, wrong labels corrected' : 'GSM8K';
  return pairAlone(name, weakModel, strongModel, questions, [other]);
}

/** Whether the last number of an answer is the gold one. */
function comesTo(answer: string, gold: string): boolean {
  const last = answer.match(/-?\d[\d,]*(?:\.\d+)?/g)?.at(-1);
  return last !== undefined && Number(last.replaceAll(',', '')) === Number(gold.replaceAll(',', ''));
}

/** MMLU was asked for a letter, without texts: an answer is taken to be one token. */
function routellmMmlu(directory: string): Pair {
  const [weakModel, strongModel] = ['Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106'];
  const questions = readRoutellm(directory, 'mmlu').map(
    ({ id, prompt, domain = null, weak_ok: weak, strong_ok: strong }): PairQuestion => ({
      id,
      prompt,
      domain,
      weak: Number(weak),
      strong: Number(strong),
      weakUsd: callUsd(weakModel, prompt.length, 4),
      strongUsd: callUsd(strongModel, prompt.length, 4),
      answer: null,
      others: [],
    }),
  );
  return pairAlone('MMLU', weakModel, strongModel, questions);
}

function zeroeval(directory: string, task: 'gsm' | 'math-l5', weak: string, strong: string, others: string[]): Pair {
  const answersOf = (model: string): LabelledAnswer[] => readZeroevalAnswers(directory, task, model);
  const name = task === 'gsm' ? 'GSM8K, zero-shot' : 'MATH level 5';
  return pairOf(name, readZeroeval(directory, task), weak, strong, others, answersOf);
}

function mmlupro(directory: string, weak: string, strong: string, others: string[]): Pair {
  return pairOf('MMLU-Pro', readMmlupro(directory), weak, strong, others, (model) => readMmluproAnswers(directory, model));
}

/** A pair of models of a set that many models have answered, with texts. */
function pairOf(
  name: string,
  answered: AnsweredQuestion[],
  weakModel: string,
  strongModel: string,
  otherModels: string[],
  answersOf: (model: string) => LabelledAnswer[],
): Pair {
  // By the whole prompt: some questions share their stem, and so their id.
  const byPrompt = (model: string) => new Map(answersOf(model).map((row) => [row.prompt, row]));
  const [strong, others] = [byPrompt(strongModel), otherModels.map(byPrompt)];
  const subjects = new Map(answered.map(({ prompt, subject }) => [withoutCue(prompt), subject]));
  const questions = answersOf(weakModel).flatMap(({ id, prompt, answer, right }): PairQuestion[] => {
    const dear = strong.get(prompt);
    const further = others.flatMap((other) => other.get(prompt) ?? []);
    if (dear === undefined || further.length < others.length) return [];
    return [
      {
        id,
        prompt,
        domain: subjects.get(prompt) ?? null,
        weak: right,
        strong: dear.right,
        weakUsd: callUsd(weakModel, prompt.length, answer.length),
        strongUsd: callUsd(strongModel, prompt.length, dear.answer.length),
        answer,
        others: further.map((row, index) => ({
          answer: row.answer,
          usd: callUsd(otherModels[index]!, prompt.length, row.answer.length),
        })),
      },
    ];
  });
  const prompts = new Set(questions.map(({ prompt }) => prompt));
  const kept = answered.filter(({ prompt }) => prompts.has(withoutCue(prompt)));
  return { name, weakModel, strongModel, otherModels, questions, singles: singlesOf(kept, questions) };
}

function withoutCue(prompt: string): string {
  return prompt.replace(/\nAnswer:$/, '');
}

/** All models of a set that have a price, on the questions that the pair has answered. */
function singlesOf(answered: AnsweredQuestion[], questions: PairQuestion[]): Pair['singles'] {
  const dear = mean(questions.map(({ strongUsd }) => strongUsd));
  const models = new Set(answered.flatMap(({ right }) => [...right.keys()]).filter(hasPrice));
  return [...models].map((model) => {
    const asked = answered.filter(({ right }) => right.has(model));
    const usd = mean(asked.map(({ prompt, characters }) => callUsd(model, prompt.length, characters.get(model) ?? 0)));
    return { model, cost: usd / dear, quality: mean(asked.map(({ right }) => right.get(model)!)) };
  });
}

/** A pair of a set of which only these two models are priced. */
function pairAlone(
  name: string,
  weakModel: string,
  strongModel: string,
  questions: PairQuestion[],
  otherModels: string[] = [],
): Pair {
  const dear = mean(questions.map(({ strongUsd }) => strongUsd));
  const weak = {
    model: weakModel,
    cost: mean(questions.map(({ weakUsd }) => weakUsd)) / dear,
    quality: mean(questions.map((question) => question.weak)),
  };
  const strong = { model: strongModel, cost: 1, quality: mean(questions.map((question) => question.strong)) };
  return { name, weakModel, strongModel, otherModels, questions, singles: [weak, strong] };
}

/** Thirteen kinds of tasks, without texts of answers: a call counts as 1, of the weak model as a twentieth. */
function mixedTasks(directory: string): Pair {
  const [weakModel, strongModel] = ['mistral-7b-instruct-v0.3', 'llama-3.1-nemotron-51b-instruct'];
  const questions = readLlmrouter(directory).map(({ id, prompt, subject, right }): PairQuestion => ({
    id,
    prompt,
    domain: subject,
    weak: right.get(weakModel) ?? 0,
    strong: right.get(strongModel) ?? 0,
    weakUsd: 0.05,
    strongUsd: 1,
    answer: null,
    others: [],
  }));
  return pairAlone('Mixed tasks', weakModel, strongModel, questions);
}

/** Open chat, with a judge's 1 to 10; the prompts were not recorded, so that only the answers can be looked at. */
function openChat(directory: string): Pair {
  const [weakModel, strongModel] = ['gemma-7b-it', 'reka-core-20240501'];
  const questions = readRows(directory, 'wildbench_v2_scores', rowOf.wildbench).flatMap(
    ({ session_id: id, models }): PairQuestion[] => {
      const [weak, strong] = [models[weakModel], models[strongModel]];
      if (weak === undefined || strong === undefined) return [];
      return [
        {
          id,
          prompt: '',
          domain: null,
          weak: weak.score / 10,
          strong: strong.score / 10,
          weakUsd: callUsd(weakModel, 0, weak.response.length),
          strongUsd: callUsd(strongModel, 0, strong.response.length),
          answer: weak.response,
          others: [],
        },
      ];
    },
  );
  return pairAlone('Open chat (WildBench)', weakModel, strongModel, questions);
}
