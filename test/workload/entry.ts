/** What the authoring files of this folder produce, and the rows the build writes from it. */

export type Task =
  | 'classification'
  | 'summarization'
  | 'code_generation'
  | 'creative_writing'
  | 'embedding'
  | 'translation'
  | 'question_answering'
  | 'extraction';

export type JsonSchema = {
  type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean';
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: JsonSchema;
  minItems?: number;
  enum?: string[];
  pattern?: string;
};

export type Check =
  | { type: 'one_of'; values: string[] }
  | { type: 'contains'; values: string[]; mode: 'all' | 'any' }
  | { type: 'regex'; pattern: string }
  | { type: 'json' }
  | { type: 'json_schema'; schema: JsonSchema }
  | { type: 'length'; min_words?: number; max_words?: number; min_chars?: number; max_chars?: number }
  | { type: 'llm_judge'; rubric: string };

export type Message = { role: 'system' | 'user'; content: string };

export type MessagesInput = {
  messages: Message[];
  max_output_tokens?: number;
  response_format?: { type: 'json_schema'; name: string; schema: JsonSchema };
};
type PromptInput = { prompt: string; max_output_tokens?: number };
type TextsInput = { texts: string[] };
export type Input = MessagesInput | PromptInput | TextsInput;

/** Read by the result table only: never by the router. */
export type Expectation =
  | { gold: string; matcher: 'exact' | 'regex' }
  | { gold: number; matcher: 'number' }
  | { gold: Record<string, unknown>; matcher: 'json' }
  | { gold: string[]; matcher: 'contains_all' }
  | { gold: { count: number }; matcher: 'vectors' };

export type Row = { task: Task; input: Input; checks: Check[] } & Expectation;

export type Tier = 'economy' | 'standard' | 'premium';
export type Answers = Record<Tier, string>;

/** How hard the content is; wrong answers are authored mostly where it is `hard`. */
export type Difficulty = 'easy' | 'medium' | 'hard';

export type ChatEntry = { row: Row; difficulty: Difficulty; answers: Answers };
export type EmbeddingEntry = { row: Row; difficulty: Difficulty };
export type Entry = ChatEntry | EmbeddingEntry;

/** How one tier does at one templated row: `slip` keeps the form and gets the content wrong, `misformat` breaks the form. */
export type Outcome = 'right' | 'slip' | 'misformat';
export type Plan = readonly [economy: Outcome, standard: Outcome, premium: Outcome];

export const ALL_RIGHT: Plan = ['right', 'right', 'right'];

/** The same right answer from every tier, save where a tier's own wording or its mistake is given. */
export function answersFrom(right: string, own: Partial<Answers> = {}): Answers {
  return { economy: right, standard: right, premium: right, ...own };
}

export function answersByPlan(plan: Plan, write: (outcome: Outcome, tier: Tier) => string): Answers {
  return {
    economy: write(plan[0], 'economy'),
    standard: write(plan[1], 'standard'),
    premium: write(plan[2], 'premium'),
  };
}
