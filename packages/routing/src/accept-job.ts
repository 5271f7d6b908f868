import type { FieldError, JobRequest, JobState, Needs, UpshiftConfig } from '@upshift/contracts';
import { isEmbedding, modelsOfCheck, ProblemError, splitModelId } from '@upshift/contracts';

import { lacks, needsOf, providerOf } from './capabilities.ts';
import { embeddersOf, isOffered } from './choose-model.ts';
import { requiredUnder, usdToNanoUsd } from './cost.ts';
import { allWell } from './facts.ts';
import type { Health } from './facts.ts';
import { whyOff, withoutDenials } from './not-now.ts';
import { badChecks, badSchema } from './score.ts';

/** What the shell adds to a request to make a job of it. */
export interface Acceptance {
  id: string;
  configVersion: string;
  /** In [0, 1). */
  seed: number;
  now: number;
  /** What is known of the providers; missing where none is to be called. */
  health?: Health;
}

/**
 * Makes the state of a new job, or throws a `ProblemError` that says all that is wrong with the request. What no model
 * can do is refused here, not found out later at a price.
 */
export function acceptJob(
  request: JobRequest,
  config: UpshiftConfig,
  { id, configVersion, seed, now, health = allWell }: Acceptance,
): JobState {
  const route = Object.hasOwn(config.routes, request.route) ? config.routes[request.route] : undefined;
  if (route === undefined) throw unknownRoute(request.route, config);
  refuseBadFields(request, config, now);
  const needs = needsOf(request);
  refuseIncapable(request, requiredUnder(route, needs), config, withoutDenials(health));
  return {
    id,
    revision: 1,
    status: 'queued',
    route: request.route,
    task: request.task ?? (isEmbedding(request.input) ? 'embedding' : null),
    pinnedModel: request.model,
    priority: request.priority,
    configVersion,
    seed,
    createdAt: now,
    startedAt: null,
    completedAt: null,
    deadline: deadlineOf(request, route.deadline_s, now),
    limits: { costNanoUsd: capOf(request, route.cost_usd), maxEscalations: request.limits.max_escalations ?? null },
    needs,
    webhook: request.webhook ?? route.webhook ?? null,
    classification: null,
    tier: null,
    attempts: [],
    escalations: 0,
    failovers: 0,
    fallbacks: 0,
    finalAttempt: null,
    degraded: false,
    reasons: [],
    step: null,
    epoch: 0,
    experiments: null,
    passedOver: 0,
    reopenedAt: null,
  };
}

function unknownRoute(name: string, config: UpshiftConfig): ProblemError {
  const message = `no route ${name}; there are ${Object.keys(config.routes).join(', ')}`;
  return new ProblemError('unknown_route', message, { errors: [{ field: 'route', value: name, message }] });
}

function refuseBadFields(request: JobRequest, config: UpshiftConfig, now: number): void {
  const errors = [
    ...badChecks(request.checks, 'checks'),
    ...unknownSamplers(request, config),
    ...badFormat(request),
    ...badDeadline(request, now),
    ...badRequirements(request),
    ...badToolChoice(request),
    ...badEmbedding(request),
  ];
  if (errors.length > 0) throw ProblemError.ofFields('invalid_job', errors);
}

/** Models that are named to be compared with, and are not declared. */
function unknownSamplers({ checks }: JobRequest, { models }: UpshiftConfig): FieldError[] {
  return checks.flatMap((check, at) =>
    modelsOfCheck(check).flatMap((id, index) =>
      Object.hasOwn(models, id)
        ? []
        : [
            {
              field: `checks[${at}].${check.type === 'llm_judge' ? 'against' : 'models'}[${index}]`,
              value: id,
              message: noModel(id, models),
            },
          ],
    ),
  );
}

function noModel(id: string, models: UpshiftConfig['models']): string {
  return `no model ${id}; there are ${Object.keys(models).join(', ')}`;
}

function badFormat({ input }: JobRequest): FieldError[] {
  const format = isEmbedding(input) ? null : input.response_format;
  return format?.type === 'json_schema' ? badSchema(format.schema, 'input.response_format.schema') : [];
}

function badDeadline({ limits }: JobRequest, now: number): FieldError[] {
  if (limits.deadline === undefined || Date.parse(limits.deadline) > now) return [];
  return [{ field: 'limits.deadline', value: limits.deadline, message: `is past; it is ${new Date(now).toISOString()}` }];
}

function badRequirements({ input, require }: JobRequest): FieldError[] {
  return require.flatMap((name, index) =>
    !isEmbedding(input) && input[name] !== undefined
      ? []
      : [{ field: `require[${index}]`, value: name, message: `is required, but input.${name} is not given` }],
  );
}

function badToolChoice({ input }: JobRequest): FieldError[] {
  if (isEmbedding(input) || input.tool_choice !== 'required' || input.tools.length > 0) return [];
  return [{ field: 'input.tool_choice', value: 'required', message: 'is required, but there are no tools; give input.tools' }];
}

function badEmbedding({ input, checks }: JobRequest): FieldError[] {
  if (!isEmbedding(input) || checks.length === 0) return [];
  return [{ field: 'checks', message: 'vectors are not checked; leave checks out of an embedding job' }];
}

function refuseIncapable(request: JobRequest, needs: Needs, config: UpshiftConfig, health: Health): void {
  if (request.model !== null && !Object.hasOwn(config.models, request.model)) throw unknownModel(request.model, config);
  const models = request.model === null ? mayAnswer(request, config) : [request.model];
  const lackedBy = (id: string): string[] => [
    ...lacks(config.models[id]!, providerOf(config, id), needs),
    ...unreachable(id, config, health),
    ...notOffered(id, request, config),
  ];
  if (models.some((id) => lackedBy(id).length === 0)) return;
  const missing = models.map((id) => ({ id, lacks: lackedBy(id) }));
  throw new ProblemError(
    'no_capable_model',
    `no model can do this job: ${missing.map((model) => `${model.id} lacks ${model.lacks.join(', ')}`).join('; ')}`,
    {
      errors: missing.map((model) => ({
        field: request.model === null ? 'input' : 'model',
        value: model.id,
        message: `lacks ${model.lacks.join(', ')}`,
      })),
    },
  );
}

function mayAnswer({ input, route }: JobRequest, config: UpshiftConfig): string[] {
  return isEmbedding(input) ? embeddersOf(config.routes[route]!, config) : Object.keys(config.models);
}

/** On trial, or not among those that the route names for its tier: it answers neither at first nor as the last resort. */
function notOffered(id: string, { input, model, route }: JobRequest, config: UpshiftConfig): string[] {
  if (model !== null || isEmbedding(input) || config.routes[route]!.fallback.includes(id)) return [];
  return isOffered(id, config.models[id]!, { route }, config) ? [] : [`a place on route ${route}`];
}

/** A provider that is off stays so until a person does something: no job is to wait for it, or to fail by it after a while. */
function unreachable(id: string, config: UpshiftConfig, health: Health): string[] {
  const { provider } = splitModelId(id);
  const reason = whyOff(provider, config, health);
  return reason === null ? [] : [`a provider that can be called (${provider}: ${reason})`];
}

function unknownModel(id: string, config: UpshiftConfig): ProblemError {
  const message = noModel(id, config.models);
  return new ProblemError('unknown_model', message, { errors: [{ field: 'model', value: id, message }] });
}

/** The earlier of the job's own deadline and the route's. */
function deadlineOf(request: JobRequest, routeSeconds: number | undefined, now: number): number | null {
  const own = request.limits.deadline === undefined ? Infinity : Date.parse(request.limits.deadline);
  const routes = routeSeconds === undefined ? Infinity : now + routeSeconds * 1000;
  const earlier = Math.min(own, routes);
  return Number.isFinite(earlier) ? earlier : null;
}

/** The lower of the job's own cap and the route's. */
function capOf(request: JobRequest, routeUsd: number | undefined): number | null {
  const lower = Math.min(request.limits.cost_usd ?? Infinity, routeUsd ?? Infinity);
  return Number.isFinite(lower) ? usdToNanoUsd(lower) : null;
}
