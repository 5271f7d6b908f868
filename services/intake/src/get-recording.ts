import { isTerminal, ProblemError } from '@upshift/contracts';
import type { UnifiedResponse } from '@upshift/contracts';
import { configOf, readAnswer, readJob, readRequest, readTrail } from '@upshift/queues';
import type { Pipeline } from '@upshift/queues';
import { recordingOf } from '@upshift/routing';

import { noSuchJob } from './read-view.ts';
import type { ById, Tools } from './tools.ts';

/** `GET /v1/jobs/{id}/recording`: an ended job with all its answers, redacted; only where the configuration allows it. */
export function getRecording({ cells }: Tools): ById {
  return async (request, response) => {
    const { enabled, redact } = cells.config.recording;
    if (!enabled)
      throw new ProblemError(
        'recording_off',
        'set recording.enabled: true in the configuration, and what recording.redact must hide',
      );
    const { id } = request.params;
    const cell = cells.of(id);
    const [record, jobRequest] = await Promise.all([readJob(cell, id), readRequest(cell, id)]);
    if (record === null || jobRequest === null) throw noSuchJob(id);
    const { state: job } = record;
    if (!isTerminal(job.status))
      throw new ProblemError('job_not_ended', `${id} is ${job.status}; a job is recorded when it has ended`);
    const [answers, trail, config] = await Promise.all([
      readAnswers(cell, id, job.attempts.length),
      readTrail(cell, id),
      configOf(cells, job.configVersion),
    ]);
    response.json(recordingOf({ job, request: jobRequest, answers, trail, config }, redact));
  };
}

async function readAnswers(pipeline: Pipeline, id: string, attempts: number): Promise<Map<number, UnifiedResponse>> {
  const numbers = Array.from({ length: attempts }, (_, index) => index + 1);
  const answers = await Promise.all(numbers.map(async (number) => [number, await readAnswer(pipeline, id, number)] as const));
  return new Map(answers.flatMap(([number, answer]) => (answer === null ? [] : [[number, answer] as const])));
}
