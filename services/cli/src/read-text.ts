import { readFileSync } from 'node:fs';

import { utf8Text } from '@upshift/runtime';

/** All of a file, or of what a descriptor stands for, without a byte order mark. Throws where it is not UTF-8. */
export function readText(file: string | number): string {
  const text = utf8Text(readFileSync(file));
  if (text === null) throw new Error('it is not UTF-8; save it as UTF-8');
  return text;
}
