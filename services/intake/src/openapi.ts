import { experimentEvents, jobStatuses, trailEvents } from '@upshift/contracts';

import { experimentPaths } from './openapi-experiments.ts';
import { json, name, ofBody, problems, ref } from './openapi-parts.ts';
import { componentSchemas } from './openapi-schemas.ts';

/** The API's description (OpenAPI 3.1), made of the very schemas that validate. */
export function openapi(): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Upshift',
      version: '1',
      description: 'Jobs for many models: the cheapest that should manage, checked, and shifted up when the check fails.',
    },
    paths: {
      '/v1/jobs': { get: listJobs, post: postJob },
      '/v1/events': {
        get: {
          operationId: 'getEvents',
          summary: 'What happens to all jobs of a filter, as server-sent events',
          parameters: [...filters, chosenEvents, lastEventId],
          responses: { 200: eventStream, ...problems('invalid_query', 'invalid_header', 'queue_unavailable') },
        },
      },
      ...webhookPaths,
      ...experimentPaths,
      '/v1/queues': {
        get: {
          operationId: 'getQueues',
          summary: 'What waits in each queue, and for how long',
          responses: { 200: json('The queues', 'Queues'), ...problems('queue_unavailable') },
        },
      },
      '/v1/labels': {
        get: {
          operationId: 'getLabels',
          summary: 'What became of answers, for training: without any text of prompts or answers',
          responses: {
            200: {
              description: 'A label per line, cell by cell, the oldest first',
              content: { 'application/x-ndjson': { schema: { $ref: '#/components/schemas/Label' } } },
            },
            ...problems('queue_unavailable'),
          },
        },
      },
      '/v1/savings': {
        get: {
          operationId: 'getSavings',
          summary: 'What jobs cost, and what they would have cost with one model for everything, by route',
          parameters: [{ name: 'days', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 400, default: 7 } }],
          responses: { 200: json('The savings', 'Savings'), ...problems('invalid_query', 'queue_unavailable') },
        },
      },
      '/v1/health/models': {
        get: {
          operationId: 'getModelHealth',
          summary: 'Which models can be called now, and why others can not',
          responses: { 200: json('The models', 'ModelHealth'), ...problems('queue_unavailable') },
        },
      },
      '/v1/quarantine': {
        get: {
          operationId: 'listQuarantined',
          summary: 'Jobs that crashed a worker in which they ran alone',
          responses: { 200: json('The jobs', 'Quarantine'), ...problems('queue_unavailable') },
        },
      },
      '/v1/quarantine/{id}': {
        delete: {
          operationId: 'dropQuarantined',
          summary: 'Take a job off that list; it stays readable',
          parameters: [id],
          responses: { 204: { description: 'Off the list' }, ...problems('not_found', 'queue_unavailable') },
        },
      },
      '/v1/jobs/{id}/retry': {
        post: {
          operationId: 'retryJob',
          summary: 'Submit the request of an ended job again, without its deadline; gives a new job',
          parameters: [id, { ...keyHeader, description: 'Same key and ended job: the same new job.' }],
          responses: {
            202: json('The new job', 'Job'),
            ...problems(
              'not_found',
              'job_not_ended',
              'invalid_header',
              'invalid_job',
              'unknown_route',
              'unknown_model',
              'unknown_webhook',
              'no_capable_model',
              'backlog_full',
              'queue_unavailable',
            ),
          },
        },
      },
      '/v1/jobs/{id}/verdict': {
        post: {
          operationId: 'postVerdict',
          summary: 'Say of a delivered answer whether it is good; one that is not is answered anew, a tier up',
          parameters: [id],
          requestBody: { required: true, content: { 'application/json': { schema: ref('VerdictRequest') } } },
          responses: {
            200: json('The job: reopened with the next revision where the verdict failed its answer', 'Job'),
            ...problems(...ofBody, 'not_found', 'invalid_verdict', 'job_not_ended', 'not_judgeable', 'queue_unavailable'),
          },
        },
      },
      '/v1/jobs/{id}/events': {
        get: {
          operationId: 'getJobEvents',
          summary: 'The trail of a job as it grows, as server-sent events that end with the job',
          parameters: [id, lastEventId],
          responses: { 200: eventStream, ...problems('not_found', 'invalid_header', 'queue_unavailable') },
        },
      },
      '/v1/jobs/{id}': {
        get: {
          operationId: 'getJob',
          summary: 'A job and its result',
          parameters: [id, preferWait],
          responses: { 200: json('The job', 'Job'), ...problems('not_found', 'queue_unavailable') },
        },
      },
      '/v1/jobs/{id}/trail': {
        get: {
          operationId: 'getTrail',
          summary: 'Every event of a job, in order',
          parameters: [id],
          responses: { 200: json('The trail', 'Trail'), ...problems('not_found', 'queue_unavailable') },
        },
      },
      '/v1/jobs/{id}/recording': {
        get: {
          operationId: 'getRecording',
          summary: 'An ended job with all its answers, redacted, to be played again; only where `recording.enabled` is true',
          parameters: [id],
          responses: {
            200: json('The recording', 'Recording'),
            ...problems('recording_off', 'not_found', 'job_not_ended', 'queue_unavailable'),
          },
        },
      },
      '/v1/jobs/{id}/cancel': {
        post: {
          operationId: 'cancelJob',
          summary: 'Start no further attempt and abort calls in flight; idempotent',
          parameters: [id],
          responses: { 200: json('The job', 'Job'), ...problems('not_found', 'queue_unavailable') },
        },
      },
    },
    components: { schemas: componentSchemas() },
  };
}

const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };

const keyHeader = { name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 255 } };

/** An operation on one webhook. */
function onWebhook(
  operationId: string,
  summary: string,
  responses: Record<number, unknown>,
  { body, query }: { body?: string; query?: object } = {},
): object {
  const requestBody = body && { required: true, content: { 'application/json': { schema: ref(body) } } };
  const ofInput = [...(body ? ([...ofBody, 'invalid_webhook'] as const) : []), ...(query ? (['invalid_query'] as const) : [])];
  return {
    operationId,
    summary,
    parameters: query ? [name, query] : [name],
    ...(requestBody ? { requestBody } : {}),
    responses: { ...responses, ...problems('not_found', ...ofInput, 'queue_unavailable') },
  };
}

const limit = { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 } };

const webhookPaths = {
  '/v1/webhooks': {
    get: {
      operationId: 'listWebhooks',
      summary: 'The endpoints that are told of the ends of jobs',
      responses: { 200: json('The endpoints', 'Webhooks'), ...problems('queue_unavailable') },
    },
    post: {
      operationId: 'createWebhook',
      summary: 'Make an endpoint; its secret is shown in this answer only',
      requestBody: { required: true, content: { 'application/json': { schema: ref('WebhookRequest') } } },
      responses: {
        201: json('The endpoint with its secret', 'WebhookWithSecret'),
        ...problems(...ofBody, 'invalid_webhook', 'webhook_exists', 'queue_unavailable'),
      },
    },
  },
  '/v1/webhooks/{name}': {
    get: onWebhook('getWebhook', 'An endpoint', { 200: json('The endpoint', 'Webhook') }),
    delete: onWebhook('deleteWebhook', 'Remove an endpoint and its log', { 204: { description: 'Removed' } }),
  },
  '/v1/webhooks/{name}/rotate': {
    post: onWebhook('rotateWebhook', 'A new secret; the old one signs too for a day', {
      200: json('The endpoint with its new secret', 'WebhookWithSecret'),
    }),
  },
  '/v1/webhooks/{name}/enable': {
    post: onWebhook('enableWebhook', 'Tell an endpoint again that had answered 410', { 200: json('The endpoint', 'Webhook') }),
  },
  '/v1/webhooks/{name}/deliveries': {
    get: onWebhook(
      'listDeliveries',
      'What an endpoint was told, newest first',
      { 200: json('The log', 'Deliveries') },
      { query: limit },
    ),
  },
  '/v1/webhooks/{name}/redeliver': {
    post: onWebhook(
      'redeliver',
      'Send again what was not delivered, or one job’s',
      { 202: json('How many are on their way', 'Redelivered') },
      { body: 'RedeliverRequest' },
    ),
  },
};

const lastEventId = {
  name: 'Last-Event-ID',
  in: 'header',
  schema: { type: 'string' },
  description: 'The id of the last event that was seen: what came after it is sent.',
};

const eventStream = { description: 'Server-sent events', content: { 'text/event-stream': { schema: { type: 'string' } } } };

const filters = [
  { name: 'status', in: 'query', schema: { type: 'string', enum: jobStatuses } },
  { name: 'route', in: 'query', schema: { type: 'string' } },
  { name: 'task', in: 'query', schema: { type: 'string' } },
  {
    name: 'metadata.KEY',
    in: 'query',
    // Each entry of the object is a parameter: this one's own name is sent by nobody.
    style: 'form',
    explode: true,
    schema: { type: 'object', propertyNames: { pattern: '^metadata\\.' }, additionalProperties: { type: 'string' } },
    example: { 'metadata.customer': '42' },
    description: 'Jobs whose metadata has these values, as in `metadata.customer=42`.',
  },
];

const chosenEvents = {
  name: 'event',
  in: 'query',
  style: 'form',
  explode: false,
  schema: { type: 'array', items: { enum: [...trailEvents, ...experimentEvents] } },
  description: 'Only these, with commas between them.',
};

const listJobs = {
  operationId: 'listJobs',
  summary: 'Jobs, newest first',
  parameters: [
    ...filters,
    limit,
    { name: 'after', in: 'query', schema: { type: 'string' }, description: 'The `last_id` of the page before.' },
  ],
  responses: { 200: json('A page of jobs', 'JobPage'), ...problems('invalid_query', 'queue_unavailable') },
};

const preferWait = {
  name: 'Prefer',
  in: 'header',
  schema: { type: 'string' },
  description: '`wait=20` waits up to so many seconds for the result.',
};

const postJob = {
  operationId: 'postJob',
  summary: 'Submit a job',
  parameters: [
    { ...keyHeader, description: 'Same key and body: the same job. Same key, other body: 422.' },
    preferWait,
    {
      name: 'Upshift-Seed',
      in: 'header',
      schema: { type: 'number', minimum: 0, exclusiveMaximum: 1 },
      description: 'The `seed` of a recording: of models that are equally good and cheap the same one is taken again.',
    },
  ],
  requestBody: {
    required: true,
    content: {
      'application/json': { schema: ref('JobRequest') },
      'application/x-ndjson': { schema: { type: 'string' } },
    },
  },
  responses: {
    200: {
      description: 'The job has ended within the time that the client waited; of many jobs a line for each line',
      content: { 'application/json': { schema: ref('Job') }, 'application/x-ndjson': { schema: ref('BulkLine') } },
    },
    202: json('The job is accepted', 'Job'),
    ...problems(
      ...ofBody,
      'invalid_header',
      'invalid_job',
      'unknown_route',
      'unknown_model',
      'unknown_webhook',
      'no_capable_model',
      'idempotency_key_reused',
      'backlog_full',
      'queue_unavailable',
    ),
  },
};
