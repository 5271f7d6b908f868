import { labelLine, promptOf } from '@upshift/contracts';
import type { GateLabel, JobRecording, LabelLine } from '@upshift/contracts';
import { isForAnswer } from '@upshift/routing';

import type { Api } from '../api.ts';
import { parseLine } from '../parse-line.ts';
import { recordingOf, recordingPages } from '../record/record.ts';
import { numberedLines } from '../run/read-lines.ts';
import { counted } from '../table.ts';

/** An example of a label. */
export const LABEL = '{"question_id": "…", "prompt": "…", "tier": "…", "answer": "…", "ok": true}';

/** The labels of a file, a JSON line each. Throws a `CommandError` that names the first bad line. */
export async function readLabels(file: string): Promise<LabelLine[]> {
  const labels: LabelLine[] = [];
  for await (const line of numberedLines(file)) labels.push(parseLine(line, labelLine, LABEL));
  return labels;
}

/** What the system has kept of verdicts, without the texts. */
export async function keptLabels(api: Api): Promise<GateLabel[]> {
  const text = await api.text('/v1/labels');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as GateLabel]));
}

/**
 * The labels of ended jobs: by late verdicts, and by audits. A late verdict is believed more.
 *
 * @param say is told again and again how far it is: every job that is kept is asked for
 * @param thresholds whether they are for thresholds too, which need the top tier's answers of audits. These count as good unseen: to the
 * scorer they would say that answers are better than they are
 */
export async function labelsFromHistory(
  api: Api,
  { thresholds }: { thresholds: boolean },
  say: (line: string) => void = () => undefined,
): Promise<LabelLine[]> {
  const labels = new Map<string, LabelLine>();
  const add = (label: LabelLine): unknown => labels.set(`${label.question_id} ${label.tier}`, label);
  const kept = await keptLabels(api);
  const audited = kept.filter(({ source, answer_of: of }) => source === 'audit' && (thresholds || of === undefined));
  for (const [index, label] of audited.entries()) {
    (await auditLabel(api, label)).forEach(add);
    say(`${index + 1} of ${audited.length} audited answers read`);
  }
  let jobs = 0;
  for await (const recordings of recordingPages(api)) {
    recordings.flatMap(labelsOf).forEach(add);
    jobs += recordings.length;
    const last = recordings.at(-1);
    if (last !== undefined) say(`${counted(jobs, 'job')} looked at for late verdicts, back to ${last.created_at}`);
  }
  return [...labels.values()];
}

/** The answer that an audit was about, with its text; none where it is no longer kept. A hedge may stand beside it in its tier. */
async function auditLabel(api: Api, { job, tier, model, passed, answer_of: answerOf }: GateLabel): Promise<LabelLine[]> {
  const recording = await recordingOf(api, `/v1/jobs/${answerOf ?? job}`);
  const answer = recording?.attempts.findLast(
    (attempt) => isForAnswer(attempt) && attempt.tier === tier && attempt.model === model && attempt.answer !== null,
  )?.answer;
  if (!recording || !answer) return [];
  return [{ question_id: job, prompt: promptOf(recording.request.input), tier, answer: answer.text, ok: passed }];
}

function labelsOf({ job, request, attempts }: JobRecording): LabelLine[] {
  return attempts.flatMap(({ tier, answer, late_verdict: ok }) =>
    answer === null || ok === null ? [] : [{ question_id: job, prompt: promptOf(request.input), tier, answer: answer.text, ok }],
  );
}
