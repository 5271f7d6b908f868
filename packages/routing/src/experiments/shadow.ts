import type { ExperimentOf, JobRequest, RouteConfig, UpshiftConfig } from '@upshift/contracts';
import { promptOf } from '@upshift/contracts';

import { replyIn, twoAnswers } from '../judge.ts';
import { finalAnswerOf } from '../scorer/extract-answer.ts';
import { isKnownGround } from '../scorer/features.ts';
import { assign } from './assign.ts';
import type { Observation } from './observation.ts';

/** The same question once more: for nobody, without haste, and under none of the limits of the job that was delivered. */
export function shadowRequest(experiment: string, request: JobRequest, of: string): JobRequest {
  const metadata = { upshift_experiment: experiment, upshift_shadow_of: of };
  return { ...request, webhook: null, priority: 'low', limits: {}, metadata };
}

/** Whether a shadow follows a job that has come to this. What the top tier has answered, or nobody, teaches an audit nothing that it would pay for. */
export function isFollowed(
  { below_top: belowTop }: ExperimentOf<'shadow'>,
  observation: Observation | null,
  { tiers }: UpshiftConfig,
): boolean {
  if (observation === null) return false;
  return !belowTop || (observation.tier !== null && observation.tier !== tiers.at(-1)?.name);
}

/** Which of the two answers a judge sees first; by chance, but always the same for the same job. */
function candidateComesFirst(job: string): boolean {
  return assign('order of two answers', { candidate: 0.5, delivered: 0.5 }, job)?.arm === 'candidate';
}

const choices = ['first', 'second', 'same'] as const;

/** Asks a judge which of two answers is better, without saying whose they are. */
export function comparisonRequest(
  experiment: string,
  subject: { rubric: string; request: JobRequest; delivered: string; candidate: string },
  job: string,
  model: string,
): JobRequest {
  const both = [subject.candidate, subject.delivered];
  const [first, second] = candidateComesFirst(job) ? both : both.toReversed();
  const texts = { prompt: promptOf(subject.request.input), first: first!, second: second! };
  const schema = {
    type: 'object',
    properties: { better: { enum: [...choices] } },
    required: ['better'],
    additionalProperties: false,
  };
  return {
    ...subject.request,
    input: {
      messages: twoAnswers(subject.rubric, texts, '{"better": "first" | "second" | "same"}'),
      tools: [],
      response_format: { type: 'json_schema', name: 'comparison', schema },
    },
    model,
    checks: [],
    require: [],
    limits: {},
    priority: 'low',
    webhook: null,
    metadata: { upshift_experiment: experiment, upshift_comparison_of: job },
  };
}

/** The configuration under which a judge compares: what the route says to jobs, and checks of their answers, is not meant for it. */
export function comparisonConfig(config: UpshiftConfig, route: string): UpshiftConfig {
  const bare: RouteConfig = {
    strategy: 'rules',
    start: ['rules'],
    classifier: 'rules',
    explore: 0,
    checks: [],
    fallback: [],
    hedge: false,
    on_refusal: [],
    max_attempts: config.routes[route]!.max_attempts,
    max_escalations: 0,
  };
  return { ...config, scorer: { type: 'checks' }, routes: { ...config.routes, [route]: bare } };
}

/** Whom the judge preferred; null where its reply says nothing. */
export function readPreference(text: string, job: string): 'candidate' | 'delivered' | 'same' | null {
  const reply = replyIn(text);
  const better = choices.find((choice) => choice === reply['better']);
  if (better === undefined) return null;
  if (better === 'same') return 'same';
  return (better === 'first') === candidateComesFirst(job) ? 'candidate' : 'delivered';
}

/** Whether two answers to a prompt come to the same; null where that can not be told of one of them: of a summary, or a letter. */
export function comeToTheSame(prompt: string, one: string, other: string): boolean | null {
  const [first, second] = [finalOf(prompt, one), finalOf(prompt, other)];
  return first === null || second === null ? null : first === second;
}

/** What an answer names or calculates; a number that only stands last in a text is nothing that it comes to. */
function finalOf(prompt: string, text: string): string | null {
  const final = finalAnswerOf(text, prompt);
  return final !== null && (final.marked || isKnownGround(prompt, text)) ? final.value : null;
}
