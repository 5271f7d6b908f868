import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isTerminal } from '@upshift/contracts';
import type { JobView, ProblemView, TrailEntry, UpshiftConfig } from '@upshift/contracts';

import { CommandError } from '../exit-code.ts';
import { INTERRUPTED, interruption } from '../interruption.ts';
import type { Interruption } from '../interruption.ts';
import { startLocalRedis } from '../local-redis.ts';
import { say } from '../print.ts';
import { startFleet, startRecordedSandbox } from '../up/fleet.ts';
import { countEnded, createProgress, newProgress } from '../up/progress.ts';
import { PLAY_KEY, playConfigOf } from './play-config.ts';
import type { RecordedCall } from './recorded-calls.ts';

/** A job to be played, with all that models have answered to it. */
export interface Play {
  /** Its own among the plays. */
  key: string;
  /** The body of `POST /v1/jobs`. */
  request: object;
  /** Null draws anew. */
  seed: number | null;
  calls: RecordedCall[];
}

interface Ended<One> {
  play: One;
  job: JobView;
  trail: TrailEntry[];
}

interface Refused<One> {
  play: One;
  refusal: ProblemView;
}

/** What became of a play: an ended job with the models that were asked and have no recorded answer, or why it was not accepted. */
export type Played<One extends Play> = (Ended<One> & { unanswered: string[] }) | Refused<One>;

/** Jobs under way at once. */
const CONCURRENCY = 64;
/** Longest wait within one request, in seconds: as the API has it. */
const WAIT_S = 55;

/** Statuses of a job that is not accepted as it is; the body may be longer than the configuration allows. */
const refusals = [413, 422];

/** Variables that belong to another Upshift: where its traces go, and its cells. Nothing may leave the machine. */
const ofElsewhere = /^OTEL_|^UPSHIFT_(CONSUME_)?CELLS$/;

type Stop = () => Promise<unknown>;

/** Sends jobs through the whole system, every program and a Redis of its own, with recorded answers in the place of models. */
export async function playAll<One extends Play>(plays: One[], config: UpshiftConfig): Promise<Played<One>[]> {
  const begun = new Begun();
  const interrupted = interruption();
  try {
    return await Promise.race([startAndPlay(plays, config, begun), thrown(interrupted)]);
  } finally {
    await begun.stop();
    interrupted.forget();
  }
}

/** What was begun to be started, to be stopped in the opposite order. */
class Begun {
  readonly #stops: Stop[] = [];
  #isOver = false;

  /** Starts something that is stopped also where it is not ready yet when all is over. */
  begin<Started extends { stop: Stop }>(start: () => Promise<Started>): Promise<Started> {
    if (this.#isOver) return Promise.reject(new CommandError('Nothing more is started.', INTERRUPTED));
    const starting = start();
    // What could not start has nothing to stop; why it could not is heard of where it is waited for.
    this.#stops.push(() =>
      starting.then(
        (started) => started.stop(),
        () => undefined,
      ),
    );
    return starting;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const stop of this.#stops.toReversed()) await stop();
  }
}

interface Places {
  api: string;
  sandbox: string;
}

async function startAndPlay<One extends Play>(plays: One[], config: UpshiftConfig, begun: Begun): Promise<Played<One>[]> {
  const places = await startAll(config, begun);
  const progress = newProgress(plays.length);
  const shown = createProgress(process.stderr);
  const played = await mapConcurrently(plays, async (play) => {
    const result = await playOne(places, play);
    progress.submitted += 1;
    if ('job' in result) countEnded(progress, result.job);
    shown.show(progress);
    return result;
  });
  shown.done();
  const misses = await request<{ job: string; model: string }[]>(`${places.sandbox}/_sandbox/misses`);
  const missing = Map.groupBy(misses, ({ job }) => job);
  return played.map((result) => {
    if ('refusal' in result) return result;
    return { ...result, unanswered: [...new Set(missing.get(result.job.id)?.map(({ model }) => model))] };
  });
}

async function startAll(config: UpshiftConfig, begun: Begun): Promise<Places> {
  const { directory } = await begun.begin(makeDirectory);
  const redis = await begun.begin(() => startLocalRedis({ directory: join(directory, 'redis'), say }));
  const sandbox = await begun.begin(() => startRecordedSandbox(directory, say));
  const sandboxUrl = `http://127.0.0.1:${sandbox.port}`;
  const playConfig = playConfigOf(config, sandboxUrl);
  const configFile = join(directory, 'upshift.config.yaml');
  // JSON is YAML too.
  await writeFile(configFile, JSON.stringify(playConfig));
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofElsewhere.test(name))),
    REDIS_URL: redis.url,
    UPSHIFT_CONFIG: configFile,
    UPSHIFT_SANDBOX_URL: '',
    [PLAY_KEY]: 'replay',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
  };
  const leaveOut = ['console', 'notifier'];
  const options = { config: playConfig, environment, directory, port: 0, consolePassword: '', leaveOut, say };
  const fleet = await begun.begin(() => startFleet(options));
  await fleet.all;
  return { api: `http://127.0.0.1:${fleet.intake.port}`, sandbox: sandboxUrl };
}

async function makeDirectory(): Promise<{ directory: string; stop: Stop }> {
  const directory = await mkdtemp(join(tmpdir(), 'upshift-replay-'));
  return { directory, stop: () => rm(directory, { recursive: true, force: true }) };
}

async function playOne<One extends Play>({ api, sandbox }: Places, play: One): Promise<Ended<One> | Refused<One>> {
  const response = await fetch(`${api}/v1/jobs`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Idempotency-Key': play.key,
      ...(play.seed === null ? {} : { 'Upshift-Seed': String(play.seed) }),
    },
    body: JSON.stringify(play.request),
  });
  if (refusals.includes(response.status)) return { play, refusal: (await response.json()) as ProblemView };
  const { id } = await bodyOf<JobView>(response);
  await request(`${sandbox}/_sandbox/recordings`, { method: 'PUT', body: JSON.stringify({ job: id, calls: play.calls }) });
  const job = await endOf(`${api}/v1/jobs/${id}`);
  const { data: trail } = await request<{ data: TrailEntry[] }>(`${api}/v1/jobs/${id}/trail`);
  return { play, job, trail };
}

async function endOf(url: string): Promise<JobView> {
  for (;;) {
    const job = await request<JobView>(url, { headers: { Prefer: `wait=${WAIT_S}` } });
    if (isTerminal(job.status)) return job;
  }
}

async function request<Body>(url: string, init: RequestInit = {}): Promise<Body> {
  return bodyOf<Body>(await fetch(url, init));
}

async function bodyOf<Body>(response: Response): Promise<Body> {
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Body;
}

async function mapConcurrently<In, Out>(items: In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  const left = items.entries();
  const one = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, one));
  return results;
}

/** Rejects when it happens, so that all that was started is stopped. */
async function thrown({ happened }: Interruption): Promise<never> {
  await happened;
  throw new CommandError('Interrupted; stopping what was started.', INTERRUPTED);
}
