import { promptFeatures } from '@upshift/routing';
import type { GainRow } from '@upshift/routing';
import { mean } from './metrics.ts';
import { readLlmrouter, readRoutellm, readZeroeval } from './load-data.ts';
import type { AnsweredQuestion } from './load-data.ts';

/** Models that are far apart, whatever else is between them. */
const strong = /gpt-4(?!o-mini)|gpt4o|claude-3-5|405B|Qwen2\.5-72B|gemini-1\.5-pro|deepseek|70B/i;
const weak = /Mixtral|Mistral|Qwen2-7B|gemma|8B|phi|mini-4k|claude-3-haiku|gpt-3\.5/i;

/** How much a row of each set counts. Chosen by cross-validation over questions. */
const weights = { gsmPair: 3, mmluPair: 1, gsmMany: 1, math: 0.1, mixed: 0.02 };

/** MMLU-Pro is not among them: half of it are questions of MMLU under other ids, which must stay apart when one of both is asked. */
export function readGainRows(directory: string): GainRow[] {
  return [
    ...readZeroeval(directory, 'gsm').map((row) => ofMany(row, 'zeroeval', weights.gsmMany)),
    ...readZeroeval(directory, 'math-l5').map((row) => ofMany(row, 'zeroeval', weights.math)),
    ...readLlmrouter(directory)
      .map(ofMixed)
      .filter(({ features }) => features.kind === 'plain'),
    ...pairsOf(directory, 'gsm8k', weights.gsmPair),
    ...pairsOf(directory, 'mmlu', weights.mmluPair),
  ];
}

function pairsOf(directory: string, set: 'gsm8k' | 'mmlu', weight: number): GainRow[] {
  return readRoutellm(directory, set).map(({ id, prompt, domain, weak_ok: weakOk, strong_ok: strongOk }) => ({
    id,
    set: `routellm_${set}`,
    features: promptFeatures(prompt),
    subject: domain ?? null,
    gain: Number(strongOk) - Number(weakOk),
    weight,
    pair: { weak: Number(weakOk), strong: Number(strongOk) },
  }));
}

/** The mean of many strong models less that of many weak ones: far less noisy than one pair. */
function ofMany({ id, prompt, subject, right }: AnsweredQuestion, set: string, weight: number): GainRow {
  const meanOf = (names: RegExp): number => mean([...right].flatMap(([name, value]) => (names.test(name) ? [value] : [])));
  return { id, set, features: promptFeatures(prompt), subject, gain: meanOf(strong) - meanOf(weak), weight, pair: null };
}

/** Nine open models that are no pair: what the best gains over the usual. */
function ofMixed({ id, prompt, subject, right }: AnsweredQuestion): GainRow {
  const scores = [...right.values()];
  const gain = Math.max(...scores) - mean(scores);
  return { id, set: 'llmrouter', features: promptFeatures(prompt), subject, gain, weight: weights.mixed, pair: null };
}
