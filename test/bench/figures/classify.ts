import { readFileSync } from 'node:fs';

import { classifierOf } from '@upshift/routing';

import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import type { Rounds } from '../rounds.ts';

const workload = new URL('../../../examples/workload.jsonl', import.meta.url);

/** So often the prompts of the example workload are read per round. */
const REPEATS = 100;

/** Prompts that the trained classifier reads per second on one core, beside a plain loop that hashes their characters. */
export async function classify(rounds: Rounds): Promise<Figure[]> {
  const prompts = promptsOfWorkload();
  const trained = classifierOf('trained');
  const facts = { systemPrompt: '', task: null, structured: false, tools: 0 };
  const samples: Sample[] = [];
  await rounds(() => {
    let sum = 0;
    const value = perSecond(prompts, (prompt) => (sum += trained({ ...facts, prompt }).complexity));
    const reference = perSecond(prompts, (prompt) => (sum += hashOf(prompt)));
    // The sum is looked at, so that no work can be left out.
    if (Number.isFinite(sum)) samples.push({ value, reference });
    return Promise.resolve();
  });
  return [figureOf('classify', 'prompts/s', samples, { at: 'least', ratio: 0.05 })];
}

function promptsOfWorkload(): string[] {
  return readFileSync(workload, 'utf8')
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const { input } = JSON.parse(line) as { input?: { prompt?: string; messages?: { content: unknown }[] } };
      const content = input?.prompt ?? input?.messages?.at(-1)?.content;
      return typeof content === 'string' ? [content] : [];
    });
}

function perSecond(prompts: string[], work: (prompt: string) => void): number {
  const startedAt = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat += 1) for (const prompt of prompts) work(prompt);
  return (1000 * REPEATS * prompts.length) / (performance.now() - startedAt);
}

function hashOf(prompt: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < prompt.length; index += 1) hash = Math.imul(hash ^ prompt.charCodeAt(index), 0x01000193);
  return hash;
}
