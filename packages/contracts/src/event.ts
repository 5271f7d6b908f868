import type { Usage, FinishReason } from './answer.ts';
import type { CheckOutcome, Verdict } from './check.ts';
import type { CallError } from './errors.ts';

/** What the classifier says of a prompt. `complexity` and `confidence` are in [0, 1]; 0.5 with confidence 0 is "no signal". */
export interface Classification {
  task: string | null;
  complexity: number;
  confidence: number;
  reason: string;
  /** How probable it was that the job would start where it did; 1 where no chance was in it. */
  propensity?: number;
}

/** Timings of a call, in ms since the epoch or as a duration. */
export interface CallTimes {
  waitMs: number;
  modelMs: number;
}

/** Everything that can happen to a job. `decide` has one answer to each, in every state. */
export type JobEvent =
  | { type: 'accepted' }
  /** A model may be asked how complex the prompt is. */
  | { type: 'classify-requested' }
  | { type: 'classified'; classification: Classification }
  /** `epoch`: of the queue entry in hand. One that was overtaken meanwhile sends nothing. */
  | { type: 'sent'; attempt: number; epoch: number }
  | { type: 'answered'; attempt: number; finishReason: FinishReason; usage: Usage | null; times: CallTimes }
  | { type: 'call-failed'; attempt: number; error: CallError; times: CallTimes }
  /** The call was not made: no place under a rate limit came in time, or the model is left alone. `epoch` as above. */
  | { type: 'place-denied'; attempt: number; epoch: number; error: CallError }
  /** The call is a retry, and those of its provider have room for it in `waitMs`: that place is kept for it. */
  | { type: 'retry-deferred'; attempt: number; waitMs: number }
  /** The call takes longer than is usual for its model: no answer within `afterMs`. */
  | { type: 'hedge-due'; attempt: number; afterMs: number }
  | { type: 'judge-requested'; attempt: number; check: number }
  /** One more answer of a cheap model may be asked for, `between` the scores that the answer may get by those that can still come; null where a judge is to compare the two. */
  | {
      type: 'sample-requested';
      attempt: number;
      check: number;
      most: number;
      models: string[] | null;
      between: readonly [number, number] | null;
    }
  /** A user's verifier has said something of an answer, or that it will. */
  | { type: 'answer-verified'; attempt: number; outcome: CheckOutcome }
  | { type: 'judged'; attempt: number; verdict: Verdict }
  | { type: 'cancelled' }
  | { type: 'deadline-passed' }
  | { type: 'step-lost'; epoch: number; reason: string }
  | { type: 'step-crashed'; epoch: number; reason: string }
  | { type: 'hold-released' }
  | { type: 'arm-taken-back'; reason: string }
  | { type: 'verdict-arrived-late'; revision: number; verdict: Verdict };
