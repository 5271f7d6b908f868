import { setTimeout as pause } from 'node:timers/promises';

import { isTerminal } from '@upshift/contracts';
import type { JobView, ProblemView } from '@upshift/contracts';

import { isNotFound, retryAfterMsOf } from '../api.ts';
import type { Api, LineAnswer } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { countEnded } from '../up/progress.ts';
import type { RunProgress } from '../up/progress.ts';

/** A row of a run: the body of a job and the key under which it is accepted once, unless it names one itself; or why it is no job. */
export interface DrivenRow {
  key: string;
  job: Record<string, unknown> | null;
  error: string | null;
}

/** What became of a row: its ended job, or why there is none. */
export interface Outcome<Row> {
  row: Row;
  /** Of the job; null where none was made. */
  id: string | null;
  job: JobView | null;
  error: string | null;
}

export interface DriveOptions {
  /** Counts along; shown after each round. */
  progress: RunProgress;
  show: (progress: RunProgress) => void;
  /** Told once for each time that the API is away. */
  say: (message: string) => void;
}

/** Rows under way at once, from the oldest that has not ended: enough for all workers, few enough to hold in memory. */
const WINDOW = 2000;
/** Rows in one request. */
const BATCH = 100;
/** Jobs asked for at once. */
const ASKED_AT_ONCE = 32;
/** Pause after a round in which no job had ended, and the shortest before anything is asked again, in ms. */
const POLL_MS = 100;
/** Pause before an API that is away, and does not say for how long, is asked again, in ms. */
const RETRY_MS = 1000;
/** Longest pause that an API may ask for, in ms: one that says a day may be back in a minute. */
const LONGEST_RETRY_MS = 60_000;
/** How often a row is sent on which the API itself fails: an outage passes, a bug does not. */
const TRIES = 5;

/** Refusals that pass by themselves. */
const WORTH_WAITING = new Set(['backlog_full', 'queue_unavailable']);

/**
 * Runs rows through the API and gives their outcomes in the order of the rows. Keys make it safe to be broken off and begun anew:
 * a row that was submitted before gives the same job. An API that is away is waited for.
 */
export async function* drive<Row extends DrivenRow>(
  api: Api,
  rows: AsyncIterable<Row>,
  { progress, show, say }: DriveOptions,
): AsyncGenerator<Outcome<Row>> {
  const inOrder: Outcome<Row>[] = [];
  const unfinished: Outcome<Row>[] = [];
  for await (const batch of batchesOf(rows)) {
    const submitted = await submit(api, batch, say);
    progress.submitted += batch.length;
    inOrder.push(...submitted);
    unfinished.push(...submitted.filter(({ error }) => error === null));
    do yield* round();
    while (inOrder.length > WINDOW - BATCH);
  }
  while (inOrder.length > 0) yield* round();

  async function* round(): AsyncGenerator<Outcome<Row>> {
    const asked = unfinished.splice(0, ASKED_AT_ONCE);
    await patiently(() => Promise.all(asked.map((pending) => ask(api, pending))), say);
    const ended = asked.filter(isOver);
    // To the back of the line, so that a job that waits long hides none that has ended.
    unfinished.push(...asked.filter((pending) => !isOver(pending)));
    for (const { job } of ended) if (job !== null) countEnded(progress, job);
    show(progress);
    const front = inOrder.findIndex((pending) => !isOver(pending));
    yield* inOrder.splice(0, front === -1 ? inOrder.length : front);
    if (ended.length === 0 && unfinished.length > 0) await pause(POLL_MS);
  }
}

function isOver({ job, error }: Outcome<unknown>): boolean {
  return job !== null || error !== null;
}

async function* batchesOf<Row>(rows: AsyncIterable<Row>): AsyncGenerator<Row[]> {
  let batch: Row[] = [];
  for await (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function submit<Row extends DrivenRow>(api: Api, rows: Row[], say: DriveOptions['say']): Promise<Outcome<Row>[]> {
  const good = rows.filter(({ job }) => job !== null);
  const lines = good.map(({ key, job }) => JSON.stringify({ idempotency_key: key, ...job }));
  const answers = lines.length === 0 ? [] : await answersTo(api, lines, say);
  const answered = new Map(good.map((row, index) => [row, answers[index]]));
  return rows.map((row) => {
    const answer = answered.get(row);
    return { row, id: answer?.id ?? null, job: null, error: row.error ?? (answer?.error ? wordsOf(answer.error) : null) };
  });
}

/** All lines are sent again where the API fails on one: under their keys, the others give the same jobs. */
async function answersTo(api: Api, lines: string[], say: DriveOptions['say']): Promise<LineAnswer[]> {
  for (let tries = 1; ; tries += 1) {
    const answers = await patiently(() => send(api, lines), say);
    if (tries === TRIES || !answers.some(({ error }) => error?.code === 'internal_error')) return answers;
    await pause(RETRY_MS);
  }
}

async function send(api: Api, lines: string[]): Promise<LineAnswer[]> {
  const answers = await api.bulk(lines);
  const later = answers.find(({ error }) => error !== undefined && WORTH_WAITING.has(error.code))?.error;
  if (later) throw new CommandError(later.detail, exitCode.unavailable);
  if (answers.length < lines.length) throw new CommandError('The API broke off its answer.', exitCode.unavailable);
  return answers;
}

function wordsOf({ code, detail }: ProblemView): string {
  return `${code}: ${detail}`;
}

/** Fills in the job where it has ended. */
async function ask(api: Api, pending: Outcome<unknown>): Promise<void> {
  try {
    const job = await api.get<JobView>(`/v1/jobs/${pending.id}`);
    if (isTerminal(job.status)) pending.job = job;
  } catch (error) {
    // Its retention has ended: the row has no result any more, and the others go on.
    if (!isNotFound(error)) throw error;
    pending.error = (error as Error).message;
  }
}

/**
 * Waits for an API that is away, saying so once: all that is asked here may be asked again.
 *
 * @param until no pause is longer than to then, by the clock of `performance`
 */
export async function patiently<Result>(
  work: () => Promise<Result>,
  say: (message: string) => void,
  until = Infinity,
): Promise<Result> {
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CommandError && error.code === exitCode.unavailable)) throw error;
      if (!told) say(error.message);
      const delayMs = Math.max(retryAfterMsOf(error) ?? RETRY_MS, POLL_MS);
      await pause(Math.min(delayMs, LONGEST_RETRY_MS, Math.max(0, until - performance.now())));
    }
  }
}
