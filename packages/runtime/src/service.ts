import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { UpshiftConfig } from '@upshift/contracts';
import express from 'express';
import type { Express } from 'express';

import { ConfigError, configVersionOf, loadConfig } from './config-file.ts';
import { readEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { measureRequests } from './http-metrics.ts';
import { createLogger } from './logger.ts';
import type { Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { probeRoutes } from './probes.ts';
import type { Readiness } from './probes.ts';
import { startTracing } from './tracing.ts';

/** What every process has before its own work begins. */
export interface ServiceContext {
  name: string;
  environment: Environment;
  config: UpshiftConfig;
  configVersion: string;
  logger: Logger;
  metrics: Metrics;
  /** The process's HTTP application; the probes are added behind whatever the service puts on it. */
  app: Express;
}

/** A started service: how to ask whether it is ready, and how to stop it in order. */
export interface Running {
  readiness: Readiness;
  /** Puts the last handlers on the application, behind the probes. */
  afterProbes?(app: Express): void;
  /** Answers those who wait within a request, so that the HTTP server can close. */
  drain?(): void;
  /**
   * Takes no more work at once, and lets what runs finish. Called once.
   *
   * @param answered takes no more requests, and resolves when none is in hand any more: what requests need is closed after that. Who leaves it
   * out answers its probes until the process ends, so that what it does until then is still measured
   */
  stop(answered: () => Promise<void>): Promise<void>;
}

/** A stop that takes this much longer than the grace period is cut short. */
const FORCE_EXIT_AFTER_MS = 5000;
/** A signal to a process group comes once more from whoever passes it on; what follows so soon is the same one. In ms. */
const SAME_SIGNAL_MS = 1000;

/**
 * The life of every process: read the configuration, start, listen, and on SIGTERM or SIGINT stop in order. A second
 * signal, a second later or more, exits at once. A configuration that can not be used is told in words and ends the process with 1.
 */
export async function runService(name: string, start: (context: ServiceContext) => Promise<Running>): Promise<void> {
  try {
    const context = contextOf(name);
    const stopTracing = await startTracing(name, context.environment, context.logger);
    const running = await start(context);
    context.app.use(probeRoutes(running.readiness, context.metrics));
    running.afterProbes?.(context.app);
    const server = await listenOrStop(context, running);
    stopOnSignal(context, running, server, stopTracing);
    announce(context, server);
  } catch (error) {
    const expected = error instanceof ConfigError || (error instanceof Error && 'expected' in error);
    process.stderr.write(`upshift ${name}: ${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
    endProcess(1);
  }
}

function contextOf(name: string): ServiceContext {
  const environment = readEnvironment();
  const config = loadConfig(environment.UPSHIFT_CONFIG);
  const app = express();
  app.disable('x-powered-by');
  const metrics = createMetrics(name);
  app.use(measureRequests(metrics));
  return {
    name,
    environment,
    config,
    configVersion: configVersionOf(config),
    logger: createLogger(name, environment.LOG_LEVEL),
    metrics,
    app,
  };
}

/** What was taken by then is finished or put back: a process that just ended would be a crash to it. */
async function listenOrStop(context: ServiceContext, running: Running): Promise<Server> {
  try {
    return await listen(context);
  } catch (error) {
    await running.stop(() => Promise.resolve()).catch(() => undefined);
    throw error;
  }
}

/**
 * A connection on which nothing has moved for so long is closed, in ms; longer than a client may wait for a job, and than proxies and clients
 * keep one for their next request: closed first by us, it would be lost with a request on its way.
 */
const IDLE_MS = 120_000;

const noAddress = 'is no address of this machine; as in 127.0.0.1, or 0.0.0.0 for all';
const another = 'choose another (npm start -- --port N), or 0 for any free one';

/** What is wrong with an address that can not be listened on, by the code of the failure. */
const unusable: Partial<Record<string, ['HOST' | 'PORT', string]>> = {
  EADDRNOTAVAIL: ['HOST', noAddress],
  ENOTFOUND: ['HOST', noAddress],
  EAI_AGAIN: ['HOST', noAddress],
  EADDRINUSE: ['PORT', `the port is taken, perhaps by a running Upshift; ${another}`],
  EACCES: ['PORT', `this user may not listen on it: those below 1024 are for root; ${another}`],
};

async function listen({ app, environment }: ServiceContext): Promise<Server> {
  // A request may take long (a million jobs in one), but not stand still.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: IDLE_MS }, app).setTimeout(IDLE_MS);
  server.listen(environment.PORT, environment.HOST);
  try {
    await once(server, 'listening');
  } catch (error) {
    const known = unusable[(error as NodeJS.ErrnoException).code ?? ''];
    if (known === undefined) throw error;
    const [name, reason] = known;
    throw new ConfigError(`${name}=${environment[name]}`, [reason]);
  }
  return server;
}

function announce({ name, logger }: ServiceContext, server: Server): void {
  const { port } = server.address() as AddressInfo;
  logger.info({ port }, 'ready');
  // A supervisor that is gone by now can not be told, and is no reason to break off: the process stops in order.
  process.send?.({ event: 'ready', name, port }, () => undefined);
}

function stopOnSignal(
  { environment, logger }: ServiceContext,
  running: Running,
  server: Server,
  stopTracing: () => Promise<void>,
): void {
  let stoppingSince: number | null = null;
  const stop = async (signal: string): Promise<void> => {
    if (stoppingSince !== null) return;
    stoppingSince = performance.now();
    logger.info({ signal }, 'stopping');
    const late = (): void => {
      logger.error(
        'did not stop in time, as where Redis is away: the process ends, and what it has in hand comes back to its queue',
      );
      process.exit(1);
    };
    setTimeout(late, environment.SHUTDOWN_GRACE_S * 1000 + FORCE_EXIT_AFTER_MS).unref();
    const stopped = await stopInOrder(server, running, logger);
    await stopTracing();
    endProcess(stopped ? 0 : 1);
  };
  const onSignal = (signal: string): void => {
    if (stoppingSince !== null && performance.now() - stoppingSince > SAME_SIGNAL_MS) return endProcess(130);
    void stop(signal);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  // A supervisor that dies takes its services with it: nobody else would stop them.
  process.on('disconnect', () => void stop('disconnect'));
  if (process.send && !process.connected) void stop('disconnect');
}

/** False where something could not be stopped, which is logged. */
async function stopInOrder(server: Server, running: Running, logger: Logger): Promise<boolean> {
  try {
    await running.stop(() => closeServer(server, running));
    return true;
  } catch (error) {
    logger.error({ reason: error instanceof Error ? error.message : String(error) }, 'could not stop in order');
    return false;
  }
}

/** Longest that requests in hand may take to finish once the process stops. */
const LAST_REQUESTS_MS = 5000;

/** Takes no new requests and lets those in hand finish. A connection on which none was ever begun is waited for too: to Node it is not idle. */
async function closeServer(server: Server, running: Running): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  running.drain?.();
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), LAST_REQUESTS_MS);
  await closed;
  clearTimeout(late);
}

/** What a service's connection to its cells needs of its context. Throws a `ConfigError` where no Redis is named. */
export function cellOptions(
  { environment, config, configVersion, logger, metrics }: ServiceContext,
  { failFast, spreads = false }: { failFast: boolean; spreads?: boolean },
) {
  const url = environment.REDIS_URL;
  if (url === undefined) throw new ConfigError('REDIS_URL', ['is not set; as in redis://127.0.0.1:6379']);
  const { UPSHIFT_DISPOSABLE_REDIS: disposable, UPSHIFT_CELLS: cells, UPSHIFT_CONSUME_CELLS: consumed = null } = environment;
  const watchdog = { stuckAfterMs: environment.STUCK_AFTER_S * 1000, end: (reason: string) => endStuck(logger, reason) };
  return { url, config, configVersion, logger, metrics, disposable, cells, consumed, spreads, failFast, watchdog };
}

/** At once and without order: what would be waited for is what hangs. The process's supervisor starts it anew. */
function endStuck(logger: Logger, reason: string): void {
  logger.fatal({ reason }, 'stuck: the process ends, so that it is started anew');
  endProcess(1);
}

/** What has just run may still be compiled for so long, in ms. */
const COMPILED_WITHIN_MS = 100;

/** Ends the process a moment later: `process.exit` while V8 compiles in the background can hang for ever (nodejs/node#54918). */
function endProcess(code: number): void {
  process.exitCode = code;
  setTimeout(() => process.exit(code), COMPILED_WITHIN_MS);
}
