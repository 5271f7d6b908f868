import { isUtf8 } from 'node:buffer';

/**
 * What bytes say, without the byte order mark that some programs begin a file with; null where they are not UTF-8: they would be read as
 * another text.
 */
export function utf8Text(bytes: Buffer): string | null {
  return isUtf8(bytes) ? bytes.toString().replace(/^\uFEFF/, '') : null;
}
