/** USD per million tokens. */
interface Price {
  input: number;
  output: number;
}

/** List prices of the recorded models when their answers were recorded; the pair of RouteLLM as the data's cost convention has it. */
const prices: Record<string, Price> = {
  'Mixtral-8x7B-Instruct-v0.1': { input: 0.6, output: 0.6 },
  'gpt-4-1106': { input: 10, output: 30 },
  'gpt-4o-2024-08-06': { input: 2.5, output: 10 },
  'gpt4o-202405': { input: 2.5, output: 10 },
  'gpt-4o-mini-2024-07-18': { input: 0.15, output: 0.6 },
  'gpt-3.5-turbo-0125': { input: 0.5, output: 1.5 },
  'claude-3-5-sonnet-20241022': { input: 3, output: 15 },
  'claude-3-haiku-20240307': { input: 0.25, output: 1.25 },
  'gemini-1.5-flash-002': { input: 0.075, output: 0.3 },
  'gemini-1.5-flash': { input: 0.075, output: 0.3 },
  'gemini-1.5-pro-002': { input: 1.25, output: 5 },
  'gemini-1.5-pro': { input: 1.25, output: 5 },
  'Meta-Llama-3.1-8B-Instruct': { input: 0.06, output: 0.06 },
  'Meta-Llama-3_1-8B-Instruct': { input: 0.06, output: 0.06 },
  'Meta-Llama-3.1-70B-Instruct': { input: 0.6, output: 0.6 },
  'Meta-Llama-3_1-70B-Instruct': { input: 0.6, output: 0.6 },
  'Qwen2-7B-Instruct': { input: 0.06, output: 0.06 },
  'gemma-2-9b-it': { input: 0.06, output: 0.06 },
  'Phi-3-mini-4k-instruct': { input: 0.06, output: 0.06 },
  'reka-core-20240501': { input: 2, output: 6 },
  'gemma-7b-it': { input: 0.07, output: 0.07 },
};

const CHARACTERS_PER_TOKEN = 4;

/** USD of a call, by the data's convention that four characters are a token. */
export function callUsd(model: string, promptCharacters: number, answerCharacters: number): number {
  const price = prices[model];
  if (price === undefined) throw new Error(`there is no price of ${model}`);
  return (promptCharacters * price.input + answerCharacters * price.output) / CHARACTERS_PER_TOKEN / 1e6;
}

export function hasPrice(model: string): boolean {
  return Object.hasOwn(prices, model);
}
