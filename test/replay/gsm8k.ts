import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Usage } from '@upshift/contracts';
import { estimateTokens } from '@upshift/routing';
import { z } from 'zod';

import { CommandError, exitCode } from '../../services/cli/src/exit-code.ts';
import type { RecordedCall } from '../../services/cli/src/replay/recorded-calls.ts';

/** The models whose answers to GSM8K are replayed: the cheapest first, each with the name that its file has. */
export const recordedModels = [
  { tier: 'economy', id: 'ollama/llama-3.1-8b-instruct', file: 'Meta-Llama-3.1-8B-Instruct', input: 0.05, output: 0.08 },
  { tier: 'standard', id: 'openai/gpt-4o-mini-2024-07-18', file: 'gpt-4o-mini-2024-07-18', input: 0.15, output: 0.6 },
  { tier: 'premium', id: 'anthropic/claude-3-5-sonnet-20241022', file: 'claude-3-5-sonnet-20241022', input: 3, output: 15 },
];

interface RecordedAnswer {
  text: string;
  right: boolean;
  usage: Usage;
}

export interface Question {
  id: string;
  prompt: string;
  /** By model id. */
  answers: Map<string, RecordedAnswer>;
}

/** What the recorded answers were asked for: the benchmark's own question, and the form of the answer. */
const INSTRUCTION =
  'Answer with a JSON object: {"reasoning": "your reasoning, step by step", "answer": "the final answer, a number and nothing else"}.';

const question = z.object({ qid: z.string(), question: z.string() });
const response = z.object({ qid: z.string(), ok: z.literal([0, 1]), response: z.string() });

/** Reads the questions that all models have answered. Throws where a file is missing, naming it. */
export function readQuestions(directory: string): Question[] {
  const answered = recordedModels.map(({ id, file }) => ({ id, answers: readAnswers(directory, file) }));
  return readLines(directory, 'zeroeval_gsm_correct.jsonl.gz', question).flatMap(({ qid, question: text }) => {
    const prompt = `${text}\n\n${INSTRUCTION}`;
    const answers = answered.flatMap(({ id, answers: ofModel }) => {
      const answer = ofModel.get(qid);
      return answer ? [[id, recorded(prompt, answer)] as const] : [];
    });
    return answers.length === recordedModels.length ? [{ id: qid, prompt, answers: new Map(answers) }] : [];
  });
}

function readAnswers(directory: string, file: string): Map<string, z.infer<typeof response>> {
  return new Map(readLines(directory, `zeroeval_gsm_responses_${file}.jsonl.gz`, response).map((line) => [line.qid, line]));
}

/** The data has no token counts: characters / 4, as its description says. */
function recorded(prompt: string, { ok, response: text }: z.infer<typeof response>): RecordedAnswer {
  const usage = {
    inputTokens: estimateTokens(prompt.length),
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: estimateTokens(text.length),
    reasoningTokens: 0,
  };
  return { text, right: ok === 1, usage };
}

function readLines<Schema extends z.ZodType>(directory: string, file: string, schema: Schema): z.output<Schema>[] {
  const path = join(directory, file);
  if (!existsSync(path))
    throw new CommandError(`There is no ${path}; --data names the folder with the recorded answers.`, exitCode.refused);
  const lines = gunzipSync(readFileSync(path)).toString('utf8').split('\n').filter(Boolean);
  return lines.map((line) => schema.parse(JSON.parse(line)));
}

/** The recorded answers to a question, as they are played. */
export function callsOf({ prompt, answers }: Question): RecordedCall[] {
  return [...answers].map(([model, { text, usage }]) => ({
    model,
    text: prompt,
    outcomes: [
      {
        answer: { text, tool_calls: [], finish_reason: 'stop' },
        usage: {
          input_tokens: usage.inputTokens,
          cached_input_tokens: 0,
          cache_write_tokens: 0,
          output_tokens: usage.outputTokens,
          reasoning_tokens: 0,
        },
      },
    ],
  }));
}
