import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ToolchainError, prepareToolchain } from './toolchain.mjs';

/** The folder of the project. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Progress goes to stderr, because stdout belongs to the command. */
export function say(text) {
  for (const line of text.split('\n')) process.stderr.write(`upshift: ${line}\n`);
}

/**
 * Brings Node 24 and the dependencies where they are missing, and runs `work({ node, environment })` with them.
 * Returns its exit code, or 1 where they can not be had; what to do then is said. `onError` is called before, whatever went wrong.
 */
export async function withToolchain(work, onError = () => undefined) {
  try {
    return await work(await prepareToolchain(root, say));
  } catch (error) {
    onError();
    if (!(error instanceof ToolchainError)) throw error;
    say(error.message);
    return 1;
  }
}
