import { judgeableResult, labelOf } from '@upshift/routing';

import type { Cells } from '../cells/cells.ts';
import { readJob, readRequest } from '../job-store.ts';
import { keepLabel } from '../labels.ts';

/**
 * What a comparison with the top tier's answer says of a delivered one, kept as labels of both; of a candidate that is not of the top tier it says
 * nothing, and a refusal on either side is no answer that could be judged. Twice is as good as once: a label of the same answer replaces the one
 * before.
 *
 * @param candidate the job that answered once more
 * @param passed whether the delivered answer is no worse
 */
export async function keepAudit(cells: Cells, candidate: string, passed: boolean): Promise<void> {
  const again = (await readJob(cells.of(candidate), candidate))?.state;
  const audited = again?.experiments?.shadowOf ?? null;
  if (!again || audited === null) return;
  const pipeline = cells.of(audited);
  const [record, request] = await Promise.all([readJob(pipeline, audited), readRequest(pipeline, audited)]);
  if (record === null || request === null) return;
  const job = record.state;
  const [delivered, best] = [judgeableResult(job), judgeableResult(again)];
  const top = cells.config.tiers.at(-1)!.name;
  if (delivered === null || best?.tier !== top || delivered.tier === top) return;
  const now = Date.now();
  await keepLabel(pipeline, labelOf({ job, request, attempt: delivered.number }, passed, 'audit', now));
  const ofTop = labelOf({ job: again, request, attempt: best.number }, true, 'audit', now);
  await keepLabel(
    pipeline,
    ofTop && { ...ofTop, job: job.id, answer_of: candidate, propensity: job.classification?.propensity ?? 1 },
  );
}
