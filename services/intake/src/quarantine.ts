import { isTerminal, ProblemError } from '@upshift/contracts';
import type { QuarantineView } from '@upshift/contracts';
import { leaveQuarantine, listQuarantined, readJob, readRequest } from '@upshift/queues';
import type { RequestHandler } from 'express';

import { acceptInSpan } from './accept-in-span.ts';
import { idempotencyKeyOf } from './post-job.ts';
import { noSuchJob, readView } from './read-view.ts';
import type { ById, Tools } from './tools.ts';

/** `GET /v1/quarantine`. */
export function getQuarantine({ cells }: Tools): RequestHandler {
  return async (_request, response) => {
    const jobs = await listQuarantined(cells);
    const data = jobs.map(({ id, at, record: { state } }) => ({
      id,
      quarantined_at: new Date(at).toISOString(),
      route: state.route,
      task: state.task,
      reason: state.reasons.at(-1) ?? '',
    }));
    response.json({ data } satisfies QuarantineView);
  };
}

/** `DELETE /v1/quarantine/{id}`: the job stays readable; it is no longer listed. */
export function dropQuarantined({ cells }: Tools): ById {
  return async (request, response) => {
    const { id } = request.params;
    if (!(await leaveQuarantine(cells.of(id), id))) throw new ProblemError('not_found', `there is no job ${id} in quarantine`);
    response.status(204).end();
  };
}

/** `POST /v1/jobs/{id}/retry`: a new job with the request of one that has ended, under the configuration of today; under one key the same one. */
export function retryJob({ cells }: Tools): ById {
  return async (request, response) => {
    const { id } = request.params;
    const given = idempotencyKeyOf(request);
    // Apart from the keys of new jobs, which are printable: that of the job itself would give the job itself.
    const key = given === null ? null : `\nretry ${id} ${given}`;
    const [record, original] = await Promise.all([readJob(cells.of(id), id), readRequest(cells.of(id), id)]);
    if (record === null || original === null) throw noSuchJob(id);
    if (!isTerminal(record.state.status))
      throw new ProblemError('job_not_ended', `job ${id} has not ended; it can be retried when it has`);
    const { deadline: _passed, ...limits } = original.limits;
    const accepted = await acceptInSpan(cells, { request: { ...original, limits }, key }, request.get('traceparent'));
    await leaveQuarantine(cells.of(id), id);
    response
      .location(`/v1/jobs/${accepted.id}`)
      .status(202)
      .json(await readView(cells, accepted.id));
  };
}
