import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Writes a file whole or not at all: what stands there goes on to, where the disk is full or the process is killed. */
export function writeWhole(file: string, text: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  // A pipe can not be replaced, and has nothing to lose.
  if (before?.isFile() === false) return naming(file, () => writeFileSync(file, text));
  // A link goes on to be one.
  const place = before === undefined ? file : realpathSync(file);
  const beside = `${place}.new`;
  naming(file, () => {
    try {
      writeFileSync(beside, text, { mode: before?.mode });
      renameSync(beside, place);
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
  });
}

/** Does something that writes a file: of a full disk Node does not say which one it was. */
export function naming(file: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    (error as NodeJS.ErrnoException).path ??= file;
    throw error;
  }
}
