import { GenericContainer, getContainerRuntimeClient, ImageName } from 'testcontainers';

import { DURABILITY } from '../services/cli/src/local-redis.ts';

const IMAGE = 'redis:7-alpine';
/** An engine that answers at all does so within this time. In ms. */
const ENGINE_TIMEOUT_MS = 10_000;
/** The image has about 15 MB; where no registry answers, a test run should not wait long for it. In ms. */
const PULL_TIMEOUT_MS = 60_000;

/** A Redis in a container; null, with the reason told, where no engine answers or it neither has the image nor can pull it. */
export async function startRedisContainer(
  say: (line: string) => void,
): Promise<{ url: string; stop: () => Promise<void> } | null> {
  // Its reaper needs an image of its own and the engine's socket; we stop what we start.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  try {
    await ensureImage();
    const container = await new GenericContainer(IMAGE)
      .withCommand(['redis-server', ...DURABILITY])
      .withTmpFs({ '/data': 'rw' })
      .withExposedPorts(6379)
      .start();
    const url = `redis://${container.getHost()}:${container.getMappedPort(6379)}`;
    return { url, stop: async () => void (await container.stop()) };
  } catch (error) {
    say(`no Redis in a container (${error instanceof Error ? error.message : String(error)}): a private one instead`);
    return null;
  }
}

async function ensureImage(): Promise<void> {
  const { image } = await within(ENGINE_TIMEOUT_MS, getContainerRuntimeClient());
  const name = ImageName.fromString(IMAGE);
  if (!(await within(ENGINE_TIMEOUT_MS, image.exists(name)))) await within(PULL_TIMEOUT_MS, image.pull(name));
}

async function within<Result>(timeoutMs: number, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
