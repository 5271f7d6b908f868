import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import { docker } from './docker.ts';

/** A container of the stack as Docker sees it. */
export interface Container {
  id: string;
  service: string;
  health: string;
  /** How often its restart policy has started it again. */
  restarts: number;
  startedAt: string;
  exitCode: number;
}

interface Inspected {
  Id: string;
  RestartCount: number;
  Config: { Labels: Record<string, string> };
  State: { StartedAt: string; ExitCode: number; Health?: { Status: string } };
}

/** A container is checked every 5 s, and one that died is started again within a second. In ms. */
const HEALTHY_WITHIN_MS = 90_000;
const POLL_MS = 250;

/** `docker compose` under a project name of its own: beside whatever else runs here, on ports that are free. */
export class Stack {
  readonly #root: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #project = `upshift-test-${randomBytes(4).toString('hex')}`;

  constructor(root: string, image: string) {
    this.#root = root;
    this.#environment = { ...process.env, UPSHIFT_IMAGE: image, UPSHIFT_PORT: '0', UPSHIFT_CONSOLE_PORT: '0' };
  }

  /** Starts what does not run yet and waits until all are healthy. */
  async up(scale: Record<string, number> = {}): Promise<void> {
    const flags = Object.entries(scale).flatMap(([service, count]) => ['--scale', `${service}=${count}`]);
    await this.#compose('up', '--detach', '--no-build', '--wait', ...flags);
  }

  /** Where a service answers on this machine. */
  async url(service: string): Promise<string> {
    return `http://${await this.#compose('port', service, '7700')}`;
  }

  async containers(service?: string): Promise<Container[]> {
    const ids = await this.#compose('ps', '--all', '--quiet', ...(service === undefined ? [] : [service]));
    const inspected = JSON.parse(await docker(['inspect', ...ids.split('\n')])) as Inspected[];
    return inspected.map(({ Id: id, RestartCount: restarts, Config: config, State: state }) => ({
      id,
      service: config.Labels['com.docker.compose.service'] ?? '',
      health: state.Health?.Status ?? '',
      restarts,
      startedAt: state.StartedAt,
      exitCode: state.ExitCode,
    }));
  }

  /** Kills the service within the container, as a crash does: `docker kill` would count as a wish that it stays away. */
  async crash({ id }: Container): Promise<void> {
    // The killer is killed along with it.
    await this.evaluate(id, "process.kill(-1, 'SIGKILL')").catch(() => undefined);
  }

  restart(service: string): Promise<string> {
    return this.#compose('restart', service);
  }

  stop(): Promise<string> {
    return this.#compose('stop');
  }

  /** Waits until a container that crashed has been started again, and is healthy. */
  async untilRestarted({ id, service, restarts }: Container): Promise<void> {
    await this.#until(service, (containers) => containers.some((one) => one.id === id && one.restarts > restarts));
    await this.untilHealthy(service);
  }

  untilHealthy(service: string): Promise<void> {
    return this.#until(service, (containers) => containers.every(({ health }) => health === 'healthy'));
  }

  /** Runs JavaScript in a container of the image and returns what it printed. */
  evaluate(id: string, script: string): Promise<string> {
    return docker(['exec', id, 'node', '--input-type=module', '--eval', script]);
  }

  /** The end of what the services said, for a failure. */
  logs(): Promise<string> {
    return this.#compose('logs', '--no-color', '--tail', '20');
  }

  /** Removes everything, the volume too. */
  down(): Promise<string> {
    return this.#compose('down', '--volumes', '--remove-orphans', '--timeout', '30');
  }

  async #until(service: string, holds: (containers: Container[]) => boolean): Promise<void> {
    const deadline = Date.now() + HEALTHY_WITHIN_MS;
    for (;;) {
      const containers = await this.containers(service);
      if (holds(containers)) return;
      if (Date.now() > deadline) throw new Error(`${service} after ${HEALTHY_WITHIN_MS} ms: ${JSON.stringify(containers)}`);
      await pause(POLL_MS);
    }
  }

  #compose(...args: string[]): Promise<string> {
    const project = ['--project-name', this.#project, '--project-directory', this.#root];
    const file = ['--file', `${this.#root}docker-compose.yml`, '--env-file', '/dev/null'];
    return docker(['compose', ...project, ...file, ...args], this.#environment);
  }
}
