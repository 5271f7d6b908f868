import type { GateLabel, JobRecording } from '@upshift/contracts';
import { afterEach, expect, test } from 'vitest';

import { apiAt } from '../../services/cli/src/api.ts';
import { labelsFromHistory } from '../../services/cli/src/calibrate/read-labels.ts';
import { exampleAttempt, exampleRecording, LOW } from '../replay/example-recording.ts';
import { exampleJob, problem, sendJson, sendLines, startJobServer } from './job-server.ts';
import type { JobServer } from './job-server.ts';

let server: JobServer;

afterEach(() => server.close());

const audit: GateLabel = {
  at: '2026-11-23T12:00:00.000Z',
  job: 'job_1',
  route: 'default',
  task: null,
  tier: 'economy',
  model: LOW,
  passed: false,
  source: 'audit',
  propensity: 1,
  complexity: 0.2,
  signals: [],
};

/** An API with one audit, of a job that is recorded so; null where the job runs again. */
async function historyOf(recording: JobRecording | null): Promise<[answer: string, ok: unknown][]> {
  server = await startJobServer(({ path }, response) => {
    if (path === '/v1/labels') return sendLines(response, [audit]);
    if (path.startsWith('/v1/jobs?')) return sendJson(response, 200, { data: [], has_more: false, last_id: null });
    if (!path.endsWith('/recording')) return sendJson(response, 200, exampleJob('job_1', { status: 'in_progress' }));
    return recording === null ? sendJson(response, 409, problem('job_not_ended', 409)) : sendJson(response, 200, recording);
  });
  return (await labelsFromHistory(apiAt(server.url), { thresholds: false })).map(({ answer, ok }) => [answer, ok]);
}

test.each(['aborted', 'answered late'])(
  'of two calls beside each other the one that was audited is the label, the other %s',
  async (other) => {
    const answer = other === 'aborted' ? null : { text: 'green', tool_calls: [], finish_reason: 'stop' as const };
    const hedge = exampleAttempt({ attempt: 2, purpose: 'hedge', model: 'anthropic/low', answer });
    expect(await historyOf(exampleRecording('job_1', { attempts: [exampleAttempt(), hedge] }))).toEqual([['blue', false]]);
  },
);

test('a job that is being answered anew has no label now, and keeps none of the others away', async () => {
  expect(await historyOf(null)).toEqual([]);
});

test('how far it is is said on the way: all that is kept is read', async () => {
  server = await startJobServer(({ path }, response) => {
    if (path === '/v1/labels') return sendLines(response, [audit, { ...audit, job: 'job_2' }]);
    const page = (id: string, more: boolean): object => ({ data: [exampleJob(id)], has_more: more, last_id: id });
    if (path.startsWith('/v1/jobs?'))
      return sendJson(response, 200, path.includes('after=') ? page('job_3', false) : page('job_4', true));
    return sendJson(response, 200, exampleRecording(path.split('/')[3]!, { created_at: '2026-11-23T12:00:00.000Z' }));
  });
  const said: string[] = [];
  await labelsFromHistory(apiAt(server.url), { thresholds: false }, (line) => said.push(line));
  expect(said).toEqual([
    '1 of 2 audited answers read',
    '2 of 2 audited answers read',
    '1 job looked at for late verdicts, back to 2026-11-23T12:00:00.000Z',
    '2 jobs looked at for late verdicts, back to 2026-11-23T12:00:00.000Z',
  ]);
});
