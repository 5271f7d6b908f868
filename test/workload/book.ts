import { createHash } from 'node:crypto';
import { judgeMessages } from '../../packages/routing/src/judge.ts';
import type { ChatEntry, Input, Message, Tier } from './entry.ts';
import { Random } from './random.ts';
import { isRight } from './verdict.ts';

/** One reply of the provider sandbox. `model` is `*` where any model would say the same. */
export type BookEntry = {
  model: string;
  key: string;
  answer: string;
  usage: { input_tokens: number; output_tokens: number };
  latency_ms: number;
};

export const tiers: readonly Tier[] = ['economy', 'standard', 'premium'];

export const models: Record<Tier, string[]> = {
  economy: ['openai/gpt-6-luna', 'anthropic/claude-haiku-5-5', 'ollama/llama3.1:8b'],
  standard: ['openai/gpt-6.1-terra', 'anthropic/claude-sonnet-5-5'],
  premium: ['openai/gpt-6.1-sol', 'anthropic/claude-opus-5-5'],
};

const latencies: Record<Tier | 'judge', [low: number, high: number]> = {
  economy: [8, 25],
  standard: [15, 40],
  premium: [25, 60],
  judge: [10, 30],
};

/** Only one judge rubric per row is supported, and none needs more. */
export function rubricOf(entry: ChatEntry): string | undefined {
  return entry.row.checks.find((check) => check.type === 'llm_judge')?.rubric;
}

function userText(input: Input): string {
  return messagesOf(input)
    .filter(({ role }) => role === 'user')
    .map(({ content }) => content)
    .join('\n\n');
}

export function lastUserMessage(input: Input): string {
  const last = messagesOf(input).findLast(({ role }) => role === 'user');
  if (last === undefined) throw new Error('an input without a user message');
  return last.content;
}

function keyOf(text: string): string {
  return createHash('sha256').update(text.replace(/\s+/g, ' ').trim()).digest('hex');
}

/** A good but imperfect judge: it sometimes rejects a right answer and misses about a third of the wrong ones. */
export function judgementOf(entry: ChatEntry, rubric: string, answer: string): { key: string; score: number; reason: string } {
  const key = keyOf(judgeText(entry, rubric, answer));
  const random = new Random(`judge ${key}`);
  const right = isRight(entry.row, answer);
  const draw = random.fraction();
  const cents = (low: number, high: number): number => random.between(low, high) / 100;
  if (right && draw >= 0.05) return { key, score: cents(82, 97), reason: random.pick(praise) };
  if (right)
    return {
      key,
      score: cents(50, 65),
      reason: 'The answer seems sound, but its brevity leaves me unsure that every requirement is met.',
    };
  if (draw < 0.65) return { key, score: cents(20, 55), reason: random.pick(blame) };
  return { key, score: cents(80, 90), reason: random.pick(praise) };
}

const praise = [
  'The answer meets the rubric throughout.',
  'All stated requirements are met and I found no mistake.',
  'The content agrees with the prompt and the form is as requested.',
];
const blame = [
  'One statement contradicts the prompt.',
  'A stated condition is not respected.',
  'The result does not follow when it is worked out again.',
];

function judgeText(entry: ChatEntry, rubric: string, answer: string): string {
  const messages = judgeMessages({ rubric, prompt: userText(entry.row.input), answer });
  return textOf(messages.at(-1)?.content);
}

/** The judge's messages are plain text, whatever else the router's message type allows. */
function textOf(content: unknown): string {
  if (typeof content !== 'string') throw new Error('the judge is asked in plain text');
  return content;
}

function messagesOf(input: Input): Message[] {
  if ('texts' in input) throw new Error('an embedding input has no messages');
  return 'prompt' in input ? [{ role: 'user', content: input.prompt }] : input.messages;
}

function tokens(text: string): number {
  return Math.max(1, Math.ceil(text.length / 4));
}

function allText(messages: readonly { content: unknown }[]): string {
  return messages.map(({ content }) => textOf(content)).join('');
}

function modelEntries(entry: ChatEntry): BookEntry[] {
  const key = keyOf(lastUserMessage(entry.row.input));
  const inputTokens = tokens(allText(messagesOf(entry.row.input)));
  return tiers.flatMap((tier) =>
    models[tier].map((model) => ({
      model,
      key,
      answer: entry.answers[tier],
      usage: { input_tokens: inputTokens, output_tokens: tokens(entry.answers[tier]) },
      latency_ms: new Random(`latency ${model} ${key}`).between(...latencies[tier]),
    })),
  );
}

function judgeEntries(entry: ChatEntry): BookEntry[] {
  const rubric = rubricOf(entry);
  if (rubric === undefined) return [];
  const distinct = [...new Set(tiers.map((tier) => entry.answers[tier]))];
  return distinct.map((candidate) => {
    const { key, score, reason } = judgementOf(entry, rubric, candidate);
    const messages = judgeMessages({ rubric, prompt: userText(entry.row.input), answer: candidate });
    const answer = JSON.stringify({ score, reason });
    return {
      model: '*',
      key,
      answer,
      usage: { input_tokens: tokens(allText(messages)), output_tokens: tokens(answer) },
      latency_ms: new Random(`latency judge ${key}`).between(...latencies.judge),
    };
  });
}

export function answerBook(entries: ChatEntry[]): BookEntry[] {
  const book = entries.flatMap((entry) => [...modelEntries(entry), ...judgeEntries(entry)]);
  const seen = new Set<string>();
  for (const { model, key } of book) {
    if (seen.has(`${model} ${key}`)) throw new Error(`two answers of ${model} share the key ${key}`);
    seen.add(`${model} ${key}`);
  }
  return book;
}
