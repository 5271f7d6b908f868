import { scoreLine, scorerProfile } from '@upshift/contracts';
import type { ScorerProfile } from '@upshift/contracts';
import { scoreAnswer, unknownFeatures } from '@upshift/routing';

import { CommandError, exitCode } from '../exit-code.ts';
import { wrongFields } from '../parse-line.ts';
import { readText } from '../read-text.ts';
import { answerLines } from './answer-lines.ts';

/** Scores answers, a JSON line each, in their order. */
export async function score(file: string | undefined, { profile: profileFile }: { profile?: string }): Promise<number> {
  const profile = profileFile === undefined ? null : readProfile(profileFile);
  return answerLines(file, scoreLine, '{"prompt": "…", "answer": "…", "others": ["…"]}', ({ prompt, answer, others }) =>
    scoreAnswer(prompt, answer, others, profile),
  );
}

function readProfile(file: string): ScorerProfile {
  const value = jsonOfFile(file);
  const parsed = scorerProfile.safeParse(value);
  if (!parsed.success) {
    const [first] = wrongFields(parsed.error, value, scorerProfile);
    throw new CommandError(`--profile ${file}: ${first}`, exitCode.refused);
  }
  const [unknown] = unknownFeatures(parsed.data);
  if (unknown !== undefined)
    throw new CommandError(`--profile ${file}: features.${unknown}: the scorer has no such feature`, exitCode.refused);
  return parsed.data;
}

function jsonOfFile(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    throw new CommandError(`--profile ${file}: ${error instanceof Error ? error.message : String(error)}`, exitCode.refused);
  }
}
