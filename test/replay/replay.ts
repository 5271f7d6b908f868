import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadConfig } from '@upshift/runtime';

import { startLocalRedis } from '../../services/cli/src/local-redis.ts';
import { startFleet } from '../../services/cli/src/up/fleet.ts';
import { createProgress } from '../../services/cli/src/up/progress.ts';
import { runWorkload } from '../../services/cli/src/up/run-workload.ts';
import type { Finished } from '../../services/cli/src/up/run-workload.ts';
import { startSandbox } from '../sandbox/server.ts';
import { replayConfig } from './config.ts';
import { bookOf } from './gsm8k.ts';
import type { Question } from './gsm8k.ts';
import { reportOf } from './report.ts';
import type { Report } from './report.ts';

type Stop = () => Promise<void>;

/** Sends all questions through the whole system, every program and a Redis of its own, with the recorded answers for models. */
export async function replay(questions: Question[]): Promise<Report> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-replay-'));
  const stops: Stop[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    return await run(directory, questions, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

async function run(directory: string, questions: Question[], stops: Stop[]): Promise<Report> {
  const configFile = join(directory, 'upshift.config.yaml');
  // JSON is YAML too.
  await writeFile(configFile, JSON.stringify(replayConfig));
  const config = loadConfig(configFile);
  const redis = await startLocalRedis({ directory: join(directory, 'redis'), say });
  stops.push(() => redis.stop());
  const sandbox = await startSandbox({ entries: bookOf(questions) });
  stops.push(() => sandbox.close());
  const environment = {
    ...process.env,
    REDIS_URL: redis.url,
    UPSHIFT_SANDBOX_URL: sandbox.url,
    UPSHIFT_CONFIG: configFile,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
  };
  const fleet = await startFleet({ config, environment, directory, port: 0, consolePassword: 'only for this replay', say });
  stops.push(() => fleet.stop());
  await fleet.all;
  const startedAt = performance.now();
  const finished = await ask(`http://127.0.0.1:${fleet.intake.port}`, questions);
  return reportOf(questions, finished, config, (performance.now() - startedAt) / 1000);
}

async function ask(url: string, questions: Question[]): Promise<Finished[]> {
  const rows = questions.map(({ id, prompt }) => ({
    id,
    input: { prompt, response_format: { type: 'json_object' } },
    checks: [],
  }));
  const progress = createProgress(process.stderr);
  const unnamed = { id: 'replay', finish: () => undefined };
  const finished = await runWorkload(url, { rows, hash: 'replay' }, unnamed, (now) => progress.show(now));
  progress.done();
  return finished;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
