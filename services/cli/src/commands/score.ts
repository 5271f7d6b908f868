import { once } from 'node:events';

import { fieldErrors, scoreLine } from '@upshift/contracts';
import type { ScoreLine } from '@upshift/contracts';
import { scoreAnswer } from '@upshift/routing';

import { CommandError, exitCode } from '../exit-code.ts';
import { readLines } from '../run/read-lines.ts';

/** Scores answers, a JSON line each, in their order. The whole stops at the first line that can not be read. */
export async function score(file: string | undefined): Promise<number> {
  let number = 0;
  for await (const line of readLines(file ?? '/dev/stdin')) {
    number += 1;
    if (line.trim() === '') continue;
    const { prompt, answer, others } = parse(line, number);
    // A reader that is slower than we are is waited for.
    if (!process.stdout.write(`${JSON.stringify(scoreAnswer(prompt, answer, others))}\n`)) await once(process.stdout, 'drain');
  }
  return exitCode.ok;
}

function parse(line: string, number: number): ScoreLine {
  const value = jsonOf(line, number);
  const parsed = scoreLine.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first] = fieldErrors(parsed.error, value, scoreLine);
  throw new CommandError(
    `line ${number}: ${first?.field ?? ''} ${first?.message ?? ''}; a line is {"prompt": "…", "answer": "…", "others": ["…"]}`,
    exitCode.refused,
  );
}

function jsonOf(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError(`line ${number} is not JSON; a line is {"prompt": "…", "answer": "…"}`, exitCode.refused);
  }
}
