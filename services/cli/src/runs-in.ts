import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where an Upshift that runs on a data directory says its address. */
function addressFile(directory: string): string {
  return join(directory, 'api-url');
}

/** Says that this process runs one, at this address. Gives what takes that back. */
export function sayItRuns(directory: string, url: string): () => void {
  writeFileSync(addressFile(directory), `${process.pid} ${url}`);
  return () => rmSync(addressFile(directory), { force: true });
}

/** The address of the Upshift that runs on a data directory; null where none does, or where it is not that of `pid`. */
export function runsIn(directory: string, pid?: number): string | null {
  try {
    const [from, url] = readFileSync(addressFile(directory), 'utf8').split(' ');
    if (from === undefined || url === undefined || (pid !== undefined && from !== String(pid))) return null;
    // Throws where there is no such process: one that was killed leaves its file.
    process.kill(Number(from), 0);
    return url;
  } catch {
    return null;
  }
}
