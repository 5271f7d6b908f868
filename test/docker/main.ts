import { fileURLToPath } from 'node:url';

import { loadConfig } from '@upshift/runtime';

import { readAnswerBook } from '../../services/cli/src/up/answer-book.ts';
import { resultOf } from '../../services/cli/src/up/result.ts';
import { runWorkload } from '../../services/cli/src/up/run-workload.ts';
import { readWorkload } from '../../services/cli/src/up/workload.ts';
import { callsOf, checksOf, listedJobs } from './checks.ts';
import type { Check, Evidence } from './checks.ts';
import { disturb, secondsSince } from './disturbances.ts';
import { ensureEngine } from './engine.ts';
import { buildImage } from './image.ts';
import { Stack } from './stack.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const IMAGE = 'upshift:test';
/** Far above what a run takes on two cores (1 min). In ms. */
const LONGEST_RUN_MS = 10 * 60_000;

const usage = `Builds the image, brings docker-compose.yml up beside whatever runs here, sends the bundled workload through the API,
and meanwhile scales a tier, kills a worker and restarts Redis. Then it takes everything down, whatever happened.

  npm run test:docker

Prints a line per check, \`N passed, N failed\`, and the figures as JSON on the last line. Exit code 0 where nothing failed.
`;

// At once: whatever was broken off would go on trying.
process.exit(process.argv.length > 2 ? (process.stderr.write(usage), 2) : await main());

async function main(): Promise<number> {
  try {
    await ensureEngine(say);
    const startedAt = performance.now();
    await buildImage(root, IMAGE);
    const buildSeconds = secondsSince(startedAt);
    say(`built ${IMAGE} in ${buildSeconds} s`);
    const { checks, figures } = await withStack((stack) => tryOut(stack));
    return report(checks, { build_seconds: buildSeconds, ...figures });
  } catch (error) {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return report([{ name: 'the system came up, ran the workload and went down', passed: false, found: null }], {});
  }
}

/** Takes the stack down afterwards, also after a failure or Ctrl-C. */
async function withStack<Result>(work: (stack: Stack) => Promise<Result>): Promise<Result> {
  const stack = new Stack(root, IMAGE);
  const brokenOff = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
    setTimeout(() => reject(new Error(`not done after ${LONGEST_RUN_MS / 60_000} min`)), LONGEST_RUN_MS);
  });
  try {
    return await Promise.race([work(stack), brokenOff]);
  } catch (error) {
    say(await stack.logs().catch(String));
    throw error;
  } finally {
    await stack.down();
  }
}

async function tryOut(stack: Stack): Promise<{ checks: Check[]; figures: object }> {
  const config = loadConfig(`${root}upshift.config.yaml`);
  const workload = readWorkload(`${root}examples/workload.jsonl`);
  const upAt = performance.now();
  await stack.up();
  const upSeconds = secondsSince(upAt);
  say(`${(await stack.containers()).length} containers healthy in ${upSeconds} s`);

  const url = await stack.url('intake');
  const [sandbox] = await stack.containers('sandbox');
  if (sandbox === undefined) throw new Error('compose started no sandbox');
  const redisBefore = await stack.containers('redis');
  const disturbances = disturb(stack, sandbox, say);
  const runAt = performance.now();
  const run = runWorkload(url, workload, { id: 'docker', finish: () => undefined }, disturbances.watch);
  const finished = await Promise.race([run, disturbances.failed]);
  const result = resultOf(
    finished,
    config,
    readAnswerBook(`${root}examples/answer-book.jsonl`, config.models),
    secondsSince(runAt),
  );
  const happened = await disturbances.happened();

  const evidence: Omit<Evidence, 'stopped'> = {
    rows: workload.rows.length,
    finished,
    listed: await listedJobs(url),
    expected: disturbances.names,
    happened,
    redis: { before: redisBefore, after: await stack.containers('redis') },
    calls: await callsOf(stack),
    containers: await stack.containers(),
  };
  const stopAt = performance.now();
  await stack.stop();
  const stopSeconds = secondsSince(stopAt);
  const checks = checksOf({ ...evidence, stopped: await stack.containers() });
  const { containers, calls } = evidence;
  const requeued = finished.filter(({ trail }) => trail.some(({ event }) => event === 'job-requeued')).length;
  const times = { up_seconds: upSeconds, stop_seconds: stopSeconds, containers: containers.length };
  return { checks, figures: { ...times, happened, calls, requeued_jobs: requeued, ...result } };
}

function report(checks: Check[], figures: object): number {
  for (const { name, passed, found } of checks) {
    process.stdout.write(`${passed ? '✓' : '✗'} ${name}${passed ? '' : `: ${JSON.stringify(found)}`}\n`);
  }
  const failed = checks.filter(({ passed }) => !passed).length;
  process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n${JSON.stringify(figures)}\n`);
  return failed === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
