import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { fieldErrors, scoreLine, scorerProfile } from '@upshift/contracts';
import type { ScoreLine, ScorerProfile } from '@upshift/contracts';
import { scoreAnswer, unknownFeatures } from '@upshift/routing';

import { CommandError, exitCode } from '../exit-code.ts';
import { readLines } from '../run/read-lines.ts';

/** Scores answers, a JSON line each, in their order. The whole stops at the first line that can not be read. */
export async function score(file: string | undefined, { profile: profileFile }: { profile?: string }): Promise<number> {
  const profile = profileFile === undefined ? null : readProfile(profileFile);
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line.trim() === '') continue;
    const { prompt, answer, others } = parse(line, number);
    // A reader that is slower than we are is waited for.
    if (!process.stdout.write(`${JSON.stringify(scoreAnswer(prompt, answer, others, profile))}\n`))
      await once(process.stdout, 'drain');
  }
  return exitCode.ok;
}

function readProfile(file: string): ScorerProfile {
  const value = jsonOfFile(file);
  const parsed = scorerProfile.safeParse(value);
  if (!parsed.success) {
    const [first] = fieldErrors(parsed.error, value, scorerProfile);
    throw new CommandError(`--profile ${file}: ${first?.field ?? ''} ${first?.message ?? ''}`, exitCode.refused);
  }
  const [unknown] = unknownFeatures(parsed.data);
  if (unknown !== undefined)
    throw new CommandError(`--profile ${file}: features.${unknown}: the scorer has no such feature`, exitCode.refused);
  return parsed.data;
}

function jsonOfFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CommandError(`--profile ${file}: ${error instanceof Error ? error.message : String(error)}`, exitCode.refused);
  }
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
