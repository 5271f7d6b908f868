import { CommandError } from './exit-code.ts';

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
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.code;
  }
  setTimeout(() => process.exit(), END_WITHIN_MS).unref();
}
