import type { Classification, JobRequest, UpshiftConfig } from '@upshift/contracts';
import { isEmbedding, promptOf } from '@upshift/contracts';

/** What a classifier sees: the words of the prompt, and nothing of the job's gold answers or history. */
export interface PromptFacts {
  prompt: string;
  systemPrompt: string;
  task: string | null;
  structured: boolean;
  tools: number;
}

/** A classifier gives the probability that a stronger tier would do better. Others may take this one's place. */
export type Classifier = (prompt: PromptFacts) => Classification;

export function promptFactsOf(request: JobRequest): PromptFacts {
  const { input } = request;
  const chat = isEmbedding(input) ? null : input;
  return {
    prompt: promptOf(input),
    systemPrompt: chat?.messages.flatMap((message) => (message.role === 'system' ? [message.content] : [])).join('\n') ?? '',
    task: request.task,
    structured: chat?.response_format?.type === 'json_schema',
    tools: chat?.tools.length ?? 0,
  };
}

/** Of a prompt of which nothing else is known. */
export function bareFacts(prompt: string): PromptFacts {
  return { prompt, systemPrompt: '', task: null, structured: false, tools: 0 };
}

/** A sign of work that weak models get wrong (positive) or right (negative), with its weight in log-odds. */
interface Sign {
  name: string;
  weight: number;
  found: (prompt: CountedFacts) => boolean;
}

/** With what several signs count, counted once. */
interface CountedFacts extends PromptFacts {
  words: number;
  numbers: number;
}

function counted(facts: PromptFacts): CountedFacts {
  const words = facts.prompt.match(/\S+/g)?.length ?? 0;
  return { ...facts, words, numbers: facts.prompt.match(/\d+(?:[.,]\d+)*/g)?.length ?? 0 };
}

const has = (pattern: RegExp) => (facts: PromptFacts) => pattern.test(facts.prompt);

/** One pattern and, somewhere behind it, the other. In one pattern with `.*` between them a long prompt would be searched again from each place where it begins. */
const hasInOrder = (first: RegExp, second: RegExp) => (facts: PromptFacts) => {
  const found = first.exec(facts.prompt);
  return found !== null && second.test(facts.prompt.slice(found.index + found[0].length));
};

const inSteps = has(/\b(step by step|after that|in total|each of (the|these)|remaining)\b/i);
const firstAndThen = hasInOrder(/\bfirst\b/i, /\bthen\b/i);

/** Hand-set from reading prompts, not trained: an honest start behind the interface that a trained classifier takes over. */
const signs: Sign[] = [
  { name: 'long', weight: 0.6, found: ({ words }) => words > 150 },
  { name: 'short', weight: -0.8, found: ({ words }) => words < 25 },
  {
    name: 'code',
    weight: 0.9,
    found: has(/```|\bfunction\b|\bclass\b|=>|;\s*$|\b(implement|refactor|debug|regex|algorithm|SQL)\b/im),
  },
  { name: 'proof or derivation', weight: 1.4, found: has(/\b(prove|derive|theorem|complexity|trade-?offs?|architecture)\b/i) },
  {
    name: 'several steps',
    weight: 0.4,
    found: (facts) => inSteps(facts) || firstAndThen(facts),
  },
  {
    name: 'several constraints',
    weight: 0.7,
    found: hasInOrder(
      /\b(must|exactly|at least|at most|without|only if|except|unless|constraints?)\b/i,
      /\b(must|exactly|at least|at most|without|only if|except|unless)\b/i,
    ),
  },
  { name: 'many numbers', weight: 0.4, found: ({ numbers }) => numbers >= 5 },
  { name: 'some numbers', weight: 0.2, found: ({ numbers }) => numbers >= 3 && numbers < 5 },
  {
    name: 'rates or shares',
    weight: 0.3,
    found: has(/%|\bpercent|\bper (hour|day|week|month|year)\b|\bratio\b|\bhalf\b|\btwice\b|\bdiscount/i),
  },
  { name: 'nested structure', weight: 0.5, found: ({ structured, words }) => structured && words > 80 },
  { name: 'tools', weight: 0.5, found: (facts) => facts.tools > 0 },
  {
    name: 'a label is asked',
    weight: -0.9,
    found: has(/\b(classify|categor(y|ize)|label|sentiment|which (team|queue)|yes or no)\b/i),
  },
  {
    name: 'facts of a given text are asked',
    weight: -0.8,
    found: has(/\b(extract|fill in|read (off|from)|from (the|this) (text|email|message|invoice|order|document))\b/i),
  },
  {
    name: 'a plain fact is asked',
    weight: -0.7,
    found: has(/^\s*(what is|who (is|was)|when (did|was)|where is|name the|capital of)\b/i),
  },
];

/** Log-odds of a prompt on which no sign was found. */
const BASE = 0;

/** Signs needed for full confidence. */
const SIGNS_FOR_CONFIDENCE = 4;

/** Complexity of a prompt by hand-set signs; no sign means uncertain (0.5), never simple. */
export const heuristicClassifier: Classifier = (prompt) => {
  const facts = counted(prompt);
  const found = signs.filter((sign) => sign.found(facts));
  const logOdds = found.reduce((sum, sign) => sum + sign.weight, BASE);
  return {
    task: prompt.task,
    complexity: round(1 / (1 + Math.exp(-logOdds))),
    confidence: round(Math.min(1, found.length / SIGNS_FOR_CONFIDENCE)),
    reason: found.length === 0 ? 'no signal' : found.map(({ name }) => name).join(', '),
  };
};

/** The tier where a complexity starts: one threshold between each two tiers. */
export function tierForComplexity(config: UpshiftConfig, complexity: number): string {
  const index = config.classifier.thresholds.filter((threshold) => complexity >= threshold).length;
  return config.tiers[index]?.name ?? '';
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
