import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A build on a slow line takes minutes; beyond this it hangs. In ms. */
const TIMEOUT_MS = 15 * 60_000;

/** Runs `docker ARGS` and returns what it printed. Throws with the end of what it complained of. */
export async function docker(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const options = { env: environment, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 };
  try {
    return (await promisify(execFile)('docker', args, options)).stdout.trim();
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new Error(`docker ${args.join(' ')}\n${stderr.trim().split('\n').slice(-30).join('\n') || message}`, { cause: error });
  }
}
