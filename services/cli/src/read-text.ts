import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';

/** All of a file, or of what a descriptor stands for, without a byte order mark. Throws where it is not UTF-8: it would be read as another text. */
export function readText(file: string | number): string {
  const bytes = readFileSync(file);
  if (!isUtf8(bytes)) throw new Error('it is not UTF-8; save it as UTF-8');
  return bytes.toString().replace(/^\uFEFF/, '');
}
