import { fstatSync, readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';

import { utf8Text } from '@upshift/runtime';

/** All of a file, without a byte order mark. Throws where it is not UTF-8. */
export function readText(file: string): string {
  return textOf(readFileSync(file));
}

/** The same of standard input. As a stream: a pipe that nothing has come through yet can not be read at once. */
export async function readStandardInput(): Promise<string> {
  // Node takes one for a stream that is empty.
  if (fstatSync(0).isDirectory()) throw new Error('it is a folder, and must be a file or a pipe');
  return textOf(await buffer(process.stdin));
}

function textOf(bytes: Buffer): string {
  const text = utf8Text(bytes);
  if (text === null) throw new Error('it is not UTF-8; save it as UTF-8');
  return text;
}
