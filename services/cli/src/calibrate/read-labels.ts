import { fieldErrors, labelLine, promptOf } from '@upshift/contracts';
import type { JobRecording, LabelLine } from '@upshift/contracts';
import type { z } from 'zod';

import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { recordingPages } from '../record/record.ts';
import { readLines } from '../run/read-lines.ts';

const SHAPE = '{"question_id": "…", "prompt": "…", "tier": "…", "answer": "…", "ok": true}';

/** The labels of a file, a JSON line each. Throws a `CommandError` that names the first bad line. */
export async function readLabels(file: string): Promise<LabelLine[]> {
  const labels: LabelLine[] = [];
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line.trim() !== '') labels.push(parseLine(line, `${file}, line ${number}`, labelLine));
  }
  return labels;
}

/** A label of a file. Throws a `CommandError` that names what is wrong. */
export function parseLine<Schema extends z.ZodType>(line: string, where: string, schema: Schema): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new CommandError(`${where} is not JSON; a label is ${SHAPE}`, exitCode.refused);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = fieldErrors(parsed.error, value, schema);
  throw new CommandError(`${where}: ${first?.field ?? ''} ${first?.message ?? ''}; a label is ${SHAPE}`, exitCode.refused);
}

/** The labels that late verdicts have given to the answers of ended jobs. */
export async function labelsFromHistory(api: Api): Promise<LabelLine[]> {
  const labels: LabelLine[] = [];
  for await (const recordings of recordingPages(api)) labels.push(...recordings.flatMap(labelsOf));
  return labels;
}

function labelsOf({ job, request, attempts }: JobRecording): LabelLine[] {
  return attempts.flatMap(({ tier, answer, late_verdict: ok }) =>
    answer === null || ok === null ? [] : [{ question_id: job, prompt: promptOf(request.input), tier, answer: answer.text, ok }],
  );
}
