import type {
  Attempt,
  JobInput,
  JobRequest,
  JobState,
  ModelConfig,
  RouteConfig,
  UnifiedResponse,
  UpshiftConfig,
} from '@upshift/contracts';
import { promptOf } from '@upshift/contracts';

import { asRouteSays } from './as-route-says.ts';
import { droppedParameters, preferencesOf, providerOf } from './capabilities.ts';
import { modelOf } from './choose-model.ts';
import { CLASSIFY_MAX_OUTPUT_TOKENS, classifyInput, classifyNeeds } from './classifier/ask-model.ts';
import { promptFactsOf } from './classify.ts';
import { DEFAULT_MAX_OUTPUT_TOKENS, needsUnder } from './cost.ts';
import { answerComesFirst, comparisonMessages, JUDGE_MAX_OUTPUT_TOKENS, judgeMessages, judgeNeeds } from './judge.ts';
import { checksOf } from './score.ts';

/** What is asked of the model in an attempt. */
export interface Call {
  input: JobInput;
  /** Of the input, about. */
  inputTokens: number;
  maxOutputTokens: number;
  drop: string[];
  contextWindow: number;
  timeoutMs: number;
  /** Ms since the epoch by which the answer is there or not wanted any more; null where there is no haste. */
  deadline: number | null;
  idleTimeoutMs: number;
}

/** Makes the call of an attempt: the job's own input, or the question to a judge about `judged`, an answer of this job, maybe beside an `other` one. */
export function callOf(
  job: JobState,
  attempt: Attempt,
  request: JobRequest,
  config: UpshiftConfig,
  judged: UnifiedResponse | null,
  other: UnifiedResponse | null = null,
): Call {
  const model = modelOf(config, attempt.model);
  const limits = {
    contextWindow: model.context_window,
    timeoutMs: model.call_timeout_s * 1000,
    deadline: null,
    idleTimeoutMs: model.idle_timeout_s * 1000,
  };
  if (attempt.purpose === 'judge' && attempt.judges !== null) {
    const input = judgeInput(job, attempt.judges, request, config, judged, other);
    const { inputTokens } = judgeNeeds(job, attempt.judges);
    return { ...limits, input, inputTokens, maxOutputTokens: JUDGE_MAX_OUTPUT_TOKENS, drop: [] };
  }
  if (attempt.purpose === 'classify') {
    const deadline = attempt.claimedAt + config.classifier.llm.timeout_s * 1000;
    return {
      ...limits,
      deadline,
      input: classifyInput(promptFactsOf(request)),
      inputTokens: classifyNeeds(job).inputTokens,
      maxOutputTokens: CLASSIFY_MAX_OUTPUT_TOKENS,
      drop: [],
    };
  }
  const route = config.routes[job.route]!;
  const input = asRouteSays(request.input, route);
  return {
    ...limits,
    input,
    inputTokens: needsUnder(route, job.needs).inputTokens,
    maxOutputTokens: Math.min(job.needs.maxOutputTokens ?? unaskedCap(job, route, model), model.max_output_tokens),
    drop: droppedParameters(model, providerOf(config, attempt.model), { ...job.needs, ...preferencesOf(input) }),
  };
}

/** A cap that the job did not ask for makes no call too long for a window: vLLM refuses input and cap that exceed it together. */
function unaskedCap({ needs }: JobState, route: RouteConfig, { context_window: window }: ModelConfig): number {
  const { contextTokens, maxOutputTokens } = needsUnder(route, needs);
  return Math.min(maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS, Math.max(1, window - contextTokens));
}

function judgeInput(
  job: JobState,
  { attempt, check: index }: NonNullable<Attempt['judges']>,
  request: JobRequest,
  config: UpshiftConfig,
  judged: UnifiedResponse | null,
  other: UnifiedResponse | null,
): JobInput {
  const check = checksOf(request, config, job.route)[index];
  if (check?.type !== 'llm_judge' || judged === null) throw new Error(`job ${job.id} has no answer to judge by check ${index}`);
  const subject = { rubric: check.rubric, prompt: promptOf(request.input), answer: judged.text };
  const messages =
    other === null
      ? judgeMessages(subject)
      : comparisonMessages({ ...subject, other: other.text }, answerComesFirst(job, attempt, index));
  return { messages, tools: [], response_format: null };
}
