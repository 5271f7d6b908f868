import { isEmbedding } from '@upshift/contracts';
import type { JobRequest, JobState, TrailEntry, UnifiedResponse } from '@upshift/contracts';
import { costOfJob, finalAttemptOf, viewOf } from '@upshift/routing';

import { attemptsOf } from './attempts.ts';
import { count, counted, duration, money, moment } from './format.ts';
import { html } from './html.ts';
import type { Content, Html } from './html.ts';
import { layout, liveCard } from './layout.ts';
import { badge, statusBadge } from './status.ts';
import { timelineOf } from './timeline.ts';

/** What is stored of a job. Of the request and the answer only sizes are shown: the console holds no prompts. */
export interface StoredJob {
  state: JobState;
  request: JobRequest;
  answer: UnifiedResponse | null;
  trail: TrailEntry[];
}

type Fact = [name: string, value: Content];

/** A job from its acceptance to its end. Brings itself up to date until the job has ended. */
export function jobPage(job: StoredJob, now: number): Html {
  const { state, trail } = job;
  const live = state.completedAt === null;
  return layout({
    title: state.id,
    search: state.id,
    body: [
      html`<section class="card" id="job" ${live && html`data-live`}>
        <h1 class="id">${state.id}</h1>
        <p>
          ${statusBadge(state)}${finalAttemptOf(state)?.outcome === 'refused' && html` ${badge('warn', '▾', 'refused by the model')}`}
        </p>
        ${
          state.reasons.length > 0 &&
          html`<ul class="reasons">
            ${state.reasons.map((reason) => html`<li>${reason}</li>`)}
          </ul>`
        }
        <div class="facts">
          ${factGroup('Result', resultFacts(job))}${factGroup('Cost and time', costFacts(job, now))}${factGroup('Request', requestFacts(job))}${factGroup('Metadata', Object.entries(job.request.metadata))}
        </div>
      </section>`,
      liveCard('attempts', 'Attempts', attemptsOf(state, now), live),
      liveCard('trail', 'Trail', timelineOf(trail, state.createdAt), live),
    ],
  });
}

function factGroup(title: string, facts: Fact[]): Content {
  if (facts.length === 0) return null;
  return html`<div>
    <h2>${title}</h2>
    <dl>
      ${facts.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </div>`;
}

function resultFacts({ state, request, answer }: StoredJob): Fact[] {
  const { result } = viewOf(state, request, answer);
  const shifts: Fact[] = [
    ['Escalations', count(state.escalations)],
    ['Failovers', count(state.failovers)],
    ['Fallbacks', count(state.fallbacks)],
  ];
  if (result === null) return [['Answer', 'none'], ...shifts];
  return [
    ['Model', result.model],
    ['Tier', result.tier],
    ['Score', result.score ?? 'not scored'],
    ['Ended by', result.finish_reason],
    ['Answer', answerSize(answer)],
    ...shifts,
  ];
}

function answerSize(answer: UnifiedResponse | null): string {
  if (answer === null) return 'none';
  if (answer.vectors !== null) return counted(answer.vectors.length, 'vector');
  const calls = answer.toolCalls.length;
  return `${counted(answer.text.length, 'character')}${calls > 0 ? `, ${counted(calls, 'tool call')}` : ''}`;
}

function costFacts({ state, request }: StoredJob, now: number): Fact[] {
  const { nanoUsd, unknown } = costOfJob(state);
  const { usage, timings_ms: timings } = viewOf(state, request, null);
  return [
    ['Cost', html`${money(nanoUsd)}${unknown && html` <strong class="warn">and an unknown amount</strong>`}`],
    ['Cap', state.limits.costNanoUsd === null ? 'none of its own' : money(state.limits.costNanoUsd)],
    ['Tokens', `${count(usage.input_tokens)} in, ${count(usage.output_tokens)} out`],
    ['Waited for a start', timings.queued === null ? neverStarted(state, now) : duration(timings.queued)],
    ['Time of models', duration(timings.model)],
    ['In all', timings.total === null ? `${duration(now - state.createdAt)} so far` : duration(timings.total)],
    ['Accepted', `${moment(state.createdAt)} UTC`],
    ...(state.completedAt === null ? [] : [['Ended', `${moment(state.completedAt)} UTC`] satisfies Fact]),
    ...(state.deadline === null ? [] : [['Deadline', `${moment(state.deadline)} UTC`] satisfies Fact]),
  ];
}

function neverStarted({ createdAt, completedAt }: JobState, now: number): string {
  return completedAt === null ? `${duration(now - createdAt)} so far` : 'ended before it';
}

function requestFacts({ state, request }: StoredJob): Fact[] {
  return [
    ['Route', state.route],
    ['Task', state.task ?? 'none given'],
    ['Priority', state.priority],
    ['Input', inputSize(request, state.needs.inputTokens)],
    ['Checks', request.checks.length === 0 ? 'those of the route' : request.checks.map(({ type }) => type).join(', ')],
    ...(state.pinnedModel === null ? [] : [['Pinned to', state.pinnedModel] satisfies Fact]),
    ...(state.webhook === null ? [] : [['Webhook', state.webhook] satisfies Fact]),
    ['Revision', state.revision],
    ['Configuration', html`<code>${state.configVersion}</code>`],
  ];
}

function inputSize({ input }: JobRequest, tokens: number): string {
  const about = `about ${counted(tokens, 'token')}`;
  const parts = isEmbedding(input) ? counted(input.texts.length, 'text') : counted(input.messages.length, 'message');
  return `${parts}, ${about}`;
}
