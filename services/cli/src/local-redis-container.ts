import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findOnPath, lastWords } from './local-redis-program.ts';

const IMAGE = 'redis:7-alpine';
/** An engine that answers at all answers within this time; some set-ups have the program and no engine behind it. In ms. */
const ENGINE_TIMEOUT_MS = 10_000;
/** The image has about 15 MB. In ms. */
const PULL_TIMEOUT_MS = 5 * 60_000;

/** Returns the name of the container that keeps this directory's data; its volume has the same name. */
export function containerName(directory: string): string {
  return `upshift-redis-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;
}

/** Returns the `redis://127.0.0.1:PORT` of a running container of ours, or null. */
export async function findContainer(name: string): Promise<string | null> {
  if ((await findOnPath('docker')) === null) return null;
  return publishedUrl(name).catch(() => null);
}

/** Starts Redis in Docker with these settings and returns its URL; null, with the reason added to `tried`, where Docker cannot do it. */
export async function startContainer(
  name: string,
  settings: string[],
  keepData: boolean,
  tried: string[],
): Promise<string | null> {
  if ((await findOnPath('docker')) === null) return null;
  try {
    await docker(ENGINE_TIMEOUT_MS, 'info', '--format', '{{.ServerVersion}}');
    await ensureImage();
    // A named volume and not the directory itself: the image hands its data directory to a user that the host may not have.
    const volume = keepData ? ['--volume', `${name}:/data`] : [];
    const server = [IMAGE, 'redis-server', ...settings, '--dir', '/data'];
    await docker(
      PULL_TIMEOUT_MS,
      'run',
      '--rm',
      '--detach',
      '--name',
      name,
      '--publish',
      '127.0.0.1::6379',
      ...volume,
      ...server,
    );
    return await publishedUrl(name);
  } catch (error) {
    tried.push(`docker run ${IMAGE}: ${lastWords(error)}`);
    return null;
  }
}

/** Stops the container and waits until it is gone; one that is gone already is no error. */
export async function stopContainer(name: string): Promise<void> {
  await docker(PULL_TIMEOUT_MS, 'stop', '--time', '10', name).catch(() => undefined);
}

async function ensureImage(): Promise<void> {
  await docker(ENGINE_TIMEOUT_MS, 'image', 'inspect', IMAGE).catch(() => docker(PULL_TIMEOUT_MS, 'pull', IMAGE));
}

async function publishedUrl(name: string): Promise<string> {
  const published = await docker(ENGINE_TIMEOUT_MS, 'port', name, '6379/tcp');
  const port = /127\.0\.0\.1:(\d+)/.exec(published)?.[1];
  if (port === undefined) throw new Error(`container ${name} publishes no port`);
  return `redis://127.0.0.1:${port}`;
}

async function docker(timeoutMs: number, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, { timeout: timeoutMs });
  return stdout;
}
