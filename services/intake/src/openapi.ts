import { jobRequest, jobView, problemStatus, problemView, trailEntry } from '@upshift/contracts';
import { z } from 'zod';

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
      '/v1/jobs': { post: postJob },
      '/v1/jobs/{id}': {
        get: {
          operationId: 'getJob',
          summary: 'A job and its result',
          parameters: [id],
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
      '/v1/jobs/{id}/cancel': {
        post: {
          operationId: 'cancelJob',
          summary: 'Start no further attempt and abort calls in flight; idempotent',
          parameters: [id],
          responses: { 200: json('The job', 'Job'), ...problems('not_found', 'queue_unavailable') },
        },
      },
    },
    components: {
      schemas: {
        JobRequest: schemaOf(jobRequest, 'input'),
        Job: schemaOf(jobView, 'output'),
        Trail: schemaOf(z.object({ data: z.array(trailEntry) }), 'output'),
        Problem: schemaOf(problemView, 'output'),
      },
    },
  };
}

const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };

const postJob = {
  operationId: 'postJob',
  summary: 'Submit a job',
  parameters: [
    {
      name: 'Idempotency-Key',
      in: 'header',
      schema: { type: 'string', maxLength: 255 },
      description: 'Same key and body: the same job. Same key, other body: 422.',
    },
    {
      name: 'Prefer',
      in: 'header',
      schema: { type: 'string' },
      description: '`wait=20` waits up to so many seconds for the result.',
    },
  ],
  requestBody: { required: true, content: { 'application/json': { schema: ref('JobRequest') } } },
  responses: {
    200: json('The job has ended within the time that the client waited', 'Job'),
    202: json('The job is accepted', 'Job'),
    ...problems(
      'malformed_json',
      'invalid_header',
      'body_too_large',
      'unsupported_media_type',
      'invalid_job',
      'unknown_route',
      'unknown_model',
      'no_capable_model',
      'idempotency_key_reused',
      'backlog_full',
      'queue_unavailable',
    ),
  },
};

function problems(...codes: (keyof typeof problemStatus)[]): Record<number, unknown> {
  const byStatus = Object.groupBy([...codes, 'internal_error' as const], (code) => problemStatus[code]);
  const content = { 'application/problem+json': { schema: ref('Problem') } };
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, same]) => [status, { description: `code: ${same?.join(', ') ?? ''}`, content }]),
  );
}

function json(description: string, name: string): Record<string, unknown> {
  return { description, content: { 'application/json': { schema: ref(name) } } };
}

function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): unknown {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io });
  return json;
}
