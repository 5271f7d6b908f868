import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import type { ModelConfig } from '@upshift/contracts';
import { costOf, plainUsage } from '@upshift/routing';

import { isRight } from './matchers.ts';
import type { WorkloadRow } from './workload.ts';

interface Entry {
  model: string;
  key: string;
  answer: string;
  usage: { input_tokens: number; output_tokens: number };
}

/** What every model of the sandbox would answer to a row, so that the table can say what one model alone would have done. */
export interface AnswerBook {
  answerOf(row: WorkloadRow, modelId: string): { right: boolean; costNanoUsd: number | null } | null;
}

export function readAnswerBook(file: string, models: Record<string, ModelConfig>): AnswerBook {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const entries = new Map(lines.map((line) => JSON.parse(line) as Entry).map((entry) => [`${entry.model} ${entry.key}`, entry]));
  return {
    answerOf(row, modelId) {
      const entry = entries.get(`${modelId} ${keyOf(row)}`);
      if (entry === undefined || row.matcher === undefined) return null;
      return {
        right: isRight({ text: entry.answer, vectors: null }, row.matcher, row.gold),
        costNanoUsd: costOf(plainUsage(entry.usage.input_tokens, entry.usage.output_tokens), models[modelId], Date.now()),
      };
    },
  };
}

/** The book's key: SHA-256 of the last user message with white space folded. */
function keyOf({ input }: WorkloadRow): string {
  const messages = (input['messages'] as { role: string; content: string }[] | undefined) ?? [
    { role: 'user', content: (input['prompt'] as string | undefined) ?? '' },
  ];
  const last = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return createHash('sha256').update(last.replaceAll(/\s+/g, ' ').trim()).digest('hex');
}
