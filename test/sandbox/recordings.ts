import { z } from 'zod';
import { type Answer, bookContent } from './answer.ts';
import { bookAnswer, bookKey } from './book.ts';
import type { Call } from './endpoint.ts';
import { Failure } from './failure.ts';

const count = z.int().nonnegative();

const outcome = z.union([
  z.strictObject({
    answer: bookAnswer,
    usage: z.strictObject({
      input_tokens: count,
      cached_input_tokens: count,
      cache_write_tokens: count,
      output_tokens: count,
      reasoning_tokens: count,
    }),
  }),
  /** The status with which the provider refused the input. */
  z.strictObject({ failure: z.literal([400, 413]) }),
]);

/** What models answered to one job. */
export const jobAnswers = z.strictObject({
  job: z.string().min(1),
  calls: z.array(
    z.strictObject({
      /** Model id as the configuration has it. */
      model: z.string().min(1),
      /** Text of the last user message: the job's own, or a question to a judge. */
      text: z.string(),
      /** In order; a model that is asked more often gives the last one again. */
      outcomes: z.array(outcome).min(1),
    }),
  ),
});

type JobAnswers = z.output<typeof jobAnswers>;
type Outcome = z.output<typeof outcome>;

/** The answers of one job, by model and prompt. */
type Answers = Map<string, Outcome[]>;

/** Answers by job, which the provider call names in its `x-client-request-id`: `<job>.<revision>.<attempt>`. */
export class Recordings {
  readonly #jobs = new Map<string, PromiseWithResolvers<Answers>>();
  readonly #misses: { job: string; model: string }[] = [];

  /** Calls for which there was no answer. */
  get misses(): readonly { job: string; model: string }[] {
    return this.#misses;
  }

  add({ job, calls }: JobAnswers): void {
    this.#of(job).resolve(new Map(calls.map(({ model, text, outcomes }) => [placeOf(model, text), outcomes])));
  }

  /** The recorded answer. Waits for the job's answers: a job may call before whoever submitted it has learnt its id. */
  async answer(clientRequestId: unknown, { model, text }: Call): Promise<Answer> {
    const [job = ''] = String(clientRequestId).split('.', 1);
    const outcomes = (await this.#of(job).promise).get(placeOf(model, text)) ?? [];
    const found = outcomes.length > 1 ? outcomes.shift() : outcomes[0];
    if (found !== undefined && 'answer' in found) return answerOf(found);
    if (found === undefined) this.#misses.push({ job, model });
    // A refusal of the input, because no other model is asked after it.
    throw new Failure(found?.failure ?? 400, 'No answer of this model to this request was recorded.');
  }

  #of(job: string): PromiseWithResolvers<Answers> {
    const entry = this.#jobs.get(job) ?? Promise.withResolvers<Answers>();
    this.#jobs.set(job, entry);
    return entry;
  }
}

function placeOf(model: string, text: string): string {
  return `${model} ${bookKey(text)}`;
}

function answerOf({ answer, usage }: Extract<Outcome, { answer: unknown }>): Answer {
  return {
    ...bookContent(answer),
    inputTokens: usage.input_tokens,
    cachedInputTokens: usage.cached_input_tokens,
    cacheWriteTokens: usage.cache_write_tokens,
    outputTokens: usage.output_tokens,
    reasoningTokens: usage.reasoning_tokens,
    latencyMs: 0,
  };
}
