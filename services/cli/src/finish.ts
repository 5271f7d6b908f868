import { ConfigError } from '@upshift/runtime';

import { CommandError, exitCode } from './exit-code.ts';
import { say } from './print.ts';

/** How long a request that is still open may keep a process alive whose command has ended, in ms. */
const END_WITHIN_MS = 500;

/**
 * Has the process end with a command's code, by itself where nothing is open: `process.exit` while V8 compiles in the background
 * can hang for ever (nodejs/node#54918).
 */
export async function finish(command: Promise<number>): Promise<void> {
  try {
    process.exitCode = await command;
  } catch (error) {
    fail(error);
  }
  // What a pipe's reader has not taken yet would be lost.
  await Promise.all([process.stdout, process.stderr].map(written));
  setTimeout(() => process.exit(), END_WITHIN_MS).unref();
}

/** Resolves when all is written, or can not be because the reader is gone. */
async function written(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
}

/** Says why a command can not be carried out, and with what code the process is to end. Throws what is a bug. */
export function fail(error: unknown): void {
  const { message, code } = asCommandError(error);
  say(message);
  process.exitCode = code;
}

/** A file that a command was told of and that can not be used is no bug, nor is a bad configuration. Throws what is one. */
function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ConfigError) return new CommandError(error.message, exitCode.failed);
  const { path, code, syscall } = error as NodeJS.ErrnoException;
  // A program that can not be started has a path too.
  if (path === undefined || code === undefined || syscall?.startsWith('spawn')) throw error;
  return new CommandError(`${path} can not be used (${code}): ${reasons[code] ?? 'is it the right file?'}`, exitCode.refused);
}

const reasons: Partial<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder, and must be a file',
  EACCES: 'this user may not open it',
  ENOSPC: 'its disk is full',
  EDQUOT: 'this user may keep no more there',
  EFBIG: 'it may grow no larger',
};
