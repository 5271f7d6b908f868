import { spawnSync } from 'node:child_process';

import { docker } from './docker.ts';

/** What the Dockerfile and docker-compose.yml build on. */
const IMAGES = ['redis:7-alpine', 'node:24-slim'];

/**
 * Makes sure that an engine with Compose answers and has the images or can pull them. Where it does not, the script that
 * UPSHIFT_OFFLINE_IMAGES names may bring both; else throws with what to do.
 */
export async function ensureEngine(say: (line: string) => void): Promise<void> {
  const script = process.env['UPSHIFT_OFFLINE_IMAGES'];
  let missing = await whatIsMissing();
  if (missing !== null && script) {
    say(`${missing}; running ${script}`);
    spawnSync('bash', [script, ...IMAGES], { stdio: ['ignore', 'inherit', 'inherit'] });
    missing = await whatIsMissing();
  }
  if (missing === null) return;
  throw new Error(
    `${missing}\nInstall Docker with Compose (https://docs.docker.com/engine/install/) and start it; \`docker compose version\` and \`docker info\` must answer.\n` +
      `Where no registry can be reached, UPSHIFT_OFFLINE_IMAGES may name a script that brings an engine and the images it is given: ${IMAGES.join(' ')}`,
  );
}

async function whatIsMissing(): Promise<string | null> {
  try {
    await docker(['info']);
    await docker(['compose', 'version']);
    for (const image of IMAGES) await docker(['image', 'inspect', image]).catch(() => docker(['pull', '--quiet', image]));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
