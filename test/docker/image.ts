import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { docker } from './docker.ts';

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/** Builds the image of this working tree. The build reaches the npm registry as this machine does; no layer keeps how. */
export async function buildImage(root: string, tag: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'upshift-image-'));
  try {
    const npmrc = join(directory, 'npmrc');
    writeFileSync(npmrc, npmSettings(), { mode: 0o600 });
    const certificates = process.env['NODE_EXTRA_CA_CERTS'];
    const secrets = [`id=npmrc,src=${npmrc}`, ...(certificates && existsSync(certificates) ? [`id=ca,src=${certificates}`] : [])];
    await docker(
      [
        'build',
        '--quiet',
        ...secrets.flatMap((secret) => ['--secret', secret]),
        ...PROXIES.filter((name) => process.env[name]).flatMap((name) => ['--build-arg', name]),
        '--tag',
        tag,
        root,
      ],
      { ...process.env, DOCKER_BUILDKIT: '1' },
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The user's own settings; npm hands a registry that stands elsewhere to what it runs. */
function npmSettings(): string {
  const { npm_config_userconfig: file = join(homedir(), '.npmrc'), npm_config_registry: registry } = process.env;
  const own = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return `${own}\n${registry ? `registry=${registry}\n` : ''}`;
}
