import { expect, test } from 'vitest';

import { openapi } from '../../services/intake/src/openapi.ts';

interface Operation {
  responses: Record<string, { description: string }>;
}

const paths = openapi()['paths'] as Record<string, { post: Operation }>;

function refusalsOf({ responses }: Operation): string[] {
  return Object.values(responses).flatMap(({ description }) => /^code: (.+)$/.exec(description)?.[1]?.split(', ') ?? []);
}

test('a retry may be refused as a job may, but for what is said of a body', () => {
  const ofSubmission = ['malformed_json', 'body_too_large', 'unsupported_media_type', 'idempotency_key_reused'];
  const ofJob = refusalsOf(paths['/v1/jobs']!.post).filter((code) => !ofSubmission.includes(code));
  expect(refusalsOf(paths['/v1/jobs/{id}/retry']!.post).toSorted()).toEqual([...ofJob, 'not_found', 'job_not_ended'].toSorted());
});
