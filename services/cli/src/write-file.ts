import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';

/**
 * Writes a file whole or not at all, where this user may put another in its place: what stands there goes on to, where the disk is full or the
 * process is killed.
 */
export function writeWhole(file: string, text: string): void {
  naming(file, () => {
    if (!tryToReplace(file, text)) writeFileSync(file, text);
  });
}

/** False where nothing can take the place of what is there, which is left as it is. */
function tryToReplace(file: string, text: string): boolean {
  const before = statSync(file, { throwIfNoEntry: false });
  // A pipe has nothing to lose.
  if (before?.isFile() === false) return false;
  // What is protected is not replaced either, though its folder would allow it.
  if (before) accessSync(file, constants.W_OK);
  // A link goes on to be one.
  const place = before ? realpathSync(file) : file;
  // A name that nobody else gives.
  const beside = `${place}.${process.pid}.new`;
  try {
    writeFileSync(beside, text, { mode: before?.mode });
    if (before) chownSync(beside, before.uid, before.gid);
    if (before) chmodSync(beside, before.mode);
    renameSync(beside, place);
    return true;
  } catch (error) {
    if (existsSync(beside)) rmSync(beside);
    if (irreplaceable.has((error as NodeJS.ErrnoException).code)) return false;
    throw error;
  }
}

/** Of a file that is mounted by itself, as into a container, of another user's, and of one in a folder where nothing can be put beside it. */
const irreplaceable = new Set<string | undefined>(['EBUSY', 'EPERM', 'EACCES', 'EROFS', 'ENAMETOOLONG']);

/** Does something that writes a file: of a full disk Node does not say which one it was. */
export function naming(file: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    (error as NodeJS.ErrnoException).path ??= file;
    throw error;
  }
}
