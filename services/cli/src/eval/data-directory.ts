import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the recorded answers lie: beside the project, never in it. */
export const defaultDirectory = join(import.meta.dirname, '..', '..', '..', '..', '..', 'shared', 'data', 'routing');

/** Whether the recorded answers are there; tests that need them skip where they are not. */
export function hasData(directory: string = defaultDirectory): boolean {
  return existsSync(join(directory, 'routellm_gsm8k.jsonl.gz'));
}
