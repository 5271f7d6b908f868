import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The services refuse an older one. */
const OLDEST_VERSION = 7;
/** A package manager on a slow line; past this it is taken to hang. In ms. */
const INSTALL_TIMEOUT_MS = 5 * 60_000;

/** What to type where nothing could be found or installed. */
export const INSTALL_REDIS_BY_HAND = [
  '  Debian, Ubuntu:  sudo apt-get install redis-server',
  '  Fedora:          sudo dnf install valkey',
  '  macOS:           brew install redis',
].join('\n');

/**
 * Returns the path of a `redis-server` or `valkey-server` program that is new enough: one on PATH, else one that apt (as root) or Homebrew installs.
 * Returns null when there is none; every failed attempt is added to `tried`, a line each.
 */
export async function findOrInstallRedis(say: (line: string) => void, tried: string[]): Promise<string | null> {
  return (await findRedis(tried)) ?? (await installByApt(say, tried)) ?? (await installByHomebrew(say, tried));
}

/** Returns the first executable file of that name on PATH, or null. */
export async function findOnPath(name: string): Promise<string | null> {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    if (directory !== '' && (await isExecutable(path))) return path;
  }
  return null;
}

async function findRedis(tried: string[]): Promise<string | null> {
  for (const name of ['redis-server', 'valkey-server']) {
    const program = await findOnPath(name);
    if (program !== null && (await isNewEnough(program, tried))) return program;
  }
  return null;
}

/** Long-term systems have, and install, older ones. One that does not tell its version is tried. */
async function isNewEnough(program: string, tried: string[]): Promise<boolean> {
  const { stdout } = await run(program, ['--version']).catch(() => ({ stdout: '' }));
  const [version = ''] = /(?<=v=)\d\S*/.exec(stdout) ?? [];
  if (!(Number.parseInt(version, 10) < OLDEST_VERSION)) return true;
  const failure = `${program}: version ${version} is too old`;
  if (!tried.includes(failure)) tried.push(failure);
  return false;
}

async function installByApt(say: (line: string) => void, tried: string[]): Promise<string | null> {
  if (process.getuid?.() !== 0 || !(await exists('/etc/debian_version')) || (await findOnPath('apt-get')) === null) return null;
  say('no Redis 7 on PATH; installing redis-server by apt-get');
  try {
    // A refresh that fails (one dead source among many) is no reason to give up: the install says whether it mattered.
    await install('apt-get', ['update']).catch(() => undefined);
    await withoutSystemService(() => install('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server']));
  } catch (error) {
    tried.push(`apt-get install redis-server: ${lastWords(error)}`);
  }
  return findRedis(tried);
}

/** Keeps the package from starting a Redis of its own on port 6379: we only want the program. */
async function withoutSystemService(work: () => Promise<void>): Promise<void> {
  const systemd = await exists('/run/systemd/system');
  // RUNLEVEL=1 is enough for SysV scripts and containers, but systemd does not read it.
  if (systemd) await run('systemctl', ['mask', '--runtime', 'redis-server.service']).catch(() => undefined);
  try {
    await work();
  } finally {
    if (systemd) await run('systemctl', ['unmask', '--runtime', 'redis-server.service']).catch(() => undefined);
  }
}

async function installByHomebrew(say: (line: string) => void, tried: string[]): Promise<string | null> {
  if ((await findOnPath('brew')) === null) return null;
  say('no Redis 7 on PATH; installing redis by Homebrew');
  try {
    await install('brew', ['install', 'redis']);
    const { stdout } = await run('brew', ['--prefix', 'redis']);
    const program = join(stdout.trim(), 'bin', 'redis-server');
    return (await isExecutable(program)) ? program : await findRedis(tried);
  } catch (error) {
    tried.push(`brew install redis: ${lastWords(error)}`);
    return null;
  }
}

async function install(program: string, args: string[]): Promise<void> {
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
  await run(program, args, { env, timeout: INSTALL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 });
}

/** The last line that a failed program wrote to stderr, or why it could not run at all. */
export function lastWords(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return stderr?.trim().split('\n').at(-1) || message;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
