import { existsSync } from 'node:fs';

import { jobRecording } from '@upshift/contracts';
import type { JobRecording } from '@upshift/contracts';

import { CommandError, exitCode } from '../exit-code.ts';
import { wrongFields } from '../parse-line.ts';
import { readLines } from '../run/read-lines.ts';

/** Reads an answer book, each job once: books may be joined. Throws a `CommandError` that names the first line which is no recording. */
export async function readBook(file: string): Promise<JobRecording[]> {
  if (!existsSync(file))
    throw new CommandError(`There is no ${file}; npx upshift record --out ${file} writes one.`, exitCode.refused);
  const recordings = new Map<string, JobRecording>();
  let number = 0;
  for await (const line of readLines(file)) {
    number += 1;
    if (line.trim() === '') continue;
    const value = parseOrNull(line);
    const parsed = jobRecording.safeParse(value);
    if (!parsed.success) {
      const [first] = wrongFields(parsed.error, value, jobRecording);
      throw new CommandError(`${file}:${number} is no recording: ${first}`, exitCode.refused);
    }
    recordings.set(parsed.data.job, parsed.data);
  }
  return [...recordings.values()];
}

function parseOrNull(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
