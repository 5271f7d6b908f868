import { isTerminal, ProblemError, verdictRequest } from '@upshift/contracts';
import type { JobState, Verdict, VerdictRequest } from '@upshift/contracts';
import { advance, configOf, keepLabel, readJob, readRequest } from '@upshift/queues';
import type { Pipeline } from '@upshift/queues';
import { judgeableResult, labelOf, makesLabels } from '@upshift/routing';

import { parse } from './parse.ts';
import { noSuchJob, readView } from './read-view.ts';
import type { ById, Tools } from './tools.ts';

/** `POST /v1/jobs/{id}/verdict`. Idempotent: a verdict names the revision that it is about, and fails each only once. */
export function postVerdict({ cells }: Tools): ById {
  return async (request, response) => {
    const { id } = request.params;
    const given = parse(verdictRequest, request.body, 'invalid_verdict');
    const record = await readJob(cells.of(id), id);
    if (record === null) throw noSuchJob(id);
    if (isAboutTheResult(record.state, given)) await apply(cells.of(id), record.state, given);
    response.json(await readView(cells, id));
  };
}

/** The verdict, and the label that it makes of the delivered answer, where the gate's makes one: elsewhere nothing would be asked above it. */
async function apply(pipeline: Pipeline, { id, finalAttempt }: JobState, given: VerdictRequest): Promise<void> {
  const verdict = verdictOf(given);
  const advanced = await advance(pipeline, id, { type: 'verdict-arrived-late', revision: given.revision, verdict });
  const request = advanced?.changed ? await readRequest(pipeline, id) : null;
  if (!advanced || request === null || finalAttempt === null) return;
  const { job } = advanced;
  if (!makesLabels(job, await configOf(pipeline, job.configVersion))) return;
  await keepLabel(pipeline, labelOf({ job, request, attempt: finalAttempt }, given.passed, 'late', Date.now()));
}

/** False where the result has been replaced since. Throws where there is none that a verdict could be about. */
function isAboutTheResult(job: JobState, { revision }: VerdictRequest): boolean {
  if (revision < job.revision) return false;
  if (revision > job.revision)
    throw ProblemError.ofFields('invalid_verdict', [
      { field: 'revision', value: revision, message: `the job has come to revision ${job.revision}` },
    ]);
  if (!isTerminal(job.status)) throw new ProblemError('job_not_ended', `job ${job.id} is ${job.status}; it has no result yet`);
  const followed = job.experiments?.shadowOf ?? null;
  // Answered anew it would cost more than the budget of its experiment, for nobody.
  if (followed !== null)
    throw new ProblemError('not_judgeable', `job ${job.id} follows ${followed} for an experiment alone; say it of ${followed}`);
  if (judgeableResult(job) === null)
    throw new ProblemError('not_judgeable', `job ${job.id} is ${job.status} and has no answer that could be judged`);
  return true;
}

function verdictOf({ passed, score = passed ? 1 : 0, reason }: VerdictRequest): Verdict {
  return { score, passed, checks: [{ type: 'late_verdict', gate: true, passed, score, weight: 1, reason }] };
}
