import { appendFileSync } from 'node:fs';

import { isTerminal } from '@upshift/contracts';
import type { JobView, ProblemView } from '@upshift/contracts';

import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { countEnded, createProgress, newProgress } from '../up/progress.ts';
import { openJournal } from './journal.ts';
import { readLines } from './read-lines.ts';
import { readRows } from './read-rows.ts';
import type { Row, RowDefaults } from './read-rows.ts';

export interface RunOptions extends RowDefaults {
  out: string;
  force: boolean;
  json: boolean;
}

/** Jobs under way at once: enough for all workers, few enough to hold in memory. */
const WINDOW = 2000;
/** Rows in one request. */
const BATCH = 100;
/** Jobs asked for at once: the oldest, because their results are written next. */
const ASKED_AT_ONCE = 32;
const POLL_MS = 100;
/** Pause before an API that is away is asked again, in ms. */
const RETRY_MS = 1000;

/** Refusals that pass by themselves. */
const WORTH_WAITING = new Set(['backlog_full', 'queue_unavailable']);

/** A row that was submitted, or that can not be. */
interface Pending {
  row: Row;
  id: string | null;
  job: JobView | null;
  error: string | null;
}

/** What a run came to. */
interface Tally {
  rows: number;
  completed: number;
  failed: number;
  refused: number;
  cost_usd: number;
}

/** `upshift run`: all rows of a file through the API, results in the order of the rows. Returns the exit code. */
export async function run(api: Api, file: string, { out, force, json, ...defaults }: RunOptions): Promise<number> {
  const journal = await openJournal(file, out, defaults, force);
  if (journal.written > 0) process.stderr.write(`Going on after ${journal.written} results in ${out}.\n`);
  const bar = createProgress(process.stderr);
  const progress = newProgress((await countRows(file)) - journal.written);
  const pending: Pending[] = [];
  for await (const batch of batchesOf(readRows(file, defaults), journal.written)) {
    pending.push(...(await patiently(() => submit(api, journal.id, batch))));
    progress.submitted += batch.length;
    while (pending.length > WINDOW - BATCH) await writeFront();
  }
  while (pending.length > 0) await writeFront();
  bar.done();
  journal.finish();
  return report(await tallyOf(out), out, json);

  async function writeFront(): Promise<void> {
    await patiently(() => ask(api, pending.slice(0, ASKED_AT_ONCE)));
    const front = pending.findIndex(({ job, error }) => job === null && error === null);
    const done = pending.splice(0, front === -1 ? pending.length : front);
    if (done.length === 0) await pause(POLL_MS);
    appendFileSync(out, done.map((one) => `${JSON.stringify(resultOf(one))}\n`).join(''));
    for (const { job } of done) if (job !== null) countEnded(progress, job);
    bar.show(progress);
  }
}

async function countRows(file: string): Promise<number> {
  let rows = 0;
  for await (const _ of readRows(file, {})) rows += 1;
  return rows;
}

async function* batchesOf(rows: AsyncIterable<Row>, skip: number): AsyncGenerator<Row[]> {
  let skipped = 0;
  let batch: Row[] = [];
  for await (const row of rows) {
    if (skipped < skip) skipped += 1;
    else batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Under keys of the run, so that rows that are submitted again give the same jobs. */
async function submit(api: Api, runId: string, rows: Row[]): Promise<Pending[]> {
  const good = rows.filter(({ job }) => job !== null);
  const lines = good.map(({ line, job }) => JSON.stringify({ ...job, idempotency_key: `${runId}/${line}` }));
  const answers = lines.length === 0 ? [] : await api.bulk(lines);
  const later = answers.find(({ error }) => error !== undefined && WORTH_WAITING.has(error.code))?.error;
  if (later) throw new CommandError(later.detail, exitCode.unavailable);
  if (answers.length < lines.length) throw new CommandError('The API broke off its answer.', exitCode.unavailable);
  const answered = new Map(good.map((row, index) => [row, answers[index]]));
  return rows.map((row) => {
    const answer = answered.get(row);
    return { row, id: answer?.id ?? null, job: null, error: row.error ?? (answer?.error ? wordsOf(answer.error) : null) };
  });
}

function wordsOf({ code, detail }: ProblemView): string {
  return `${code}: ${detail}`;
}

async function ask(api: Api, pending: Pending[]): Promise<void> {
  await Promise.all(
    pending.map(async (one) => {
      if (one.id === null || one.job !== null) return;
      const job = await api.get<JobView>(`/v1/jobs/${one.id}`).catch((error: unknown) => {
        // Its retention has ended: the row has no result any more, and the others go on.
        if (!(error instanceof CommandError && error.code === exitCode.refused)) throw error;
        one.error = error.message;
        return null;
      });
      if (job !== null && isTerminal(job.status)) one.job = job;
    }),
  );
}

/** Waits for an API that is away, saying so: all that is asked here may be asked again. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let told = false; ; told = true) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CommandError && error.code === exitCode.unavailable)) throw error;
      if (!told) process.stderr.write(`${error.message}\nWaiting for it; Ctrl-C stops, and the same line goes on later.\n`);
      await pause(RETRY_MS);
    }
  }
}

function resultOf({ row, job, error }: Pending): object {
  const customId = row.customId === null ? {} : { custom_id: row.customId };
  if (job === null) return { line: row.line, ...customId, error };
  const { id, status, result, cost_usd, cost_unknown, escalations, reasons } = job;
  return {
    line: row.line,
    ...customId,
    id,
    status,
    ...(result === null
      ? {}
      : {
          text: result.text,
          ...(result.json === null ? {} : { json: result.json }),
          ...(result.tool_calls.length === 0 ? {} : { tool_calls: result.tool_calls }),
          ...(result.vectors === null ? {} : { vectors: result.vectors }),
          model: result.model,
          tier: result.tier,
          score: result.score,
          degraded: result.degraded,
        }),
    cost_usd,
    cost_unknown,
    escalations,
    reasons,
  };
}

/** Counted from the output, because an earlier process may have written the first of it. */
async function tallyOf(out: string): Promise<Tally> {
  const tally: Tally = { rows: 0, completed: 0, failed: 0, refused: 0, cost_usd: 0 };
  for await (const line of readLines(out)) {
    const { status, cost_usd: costUsd = 0 } = JSON.parse(line) as { status?: string; cost_usd?: number };
    tally.rows += 1;
    tally.cost_usd += costUsd;
    tally[status === undefined ? 'refused' : status === 'completed' ? 'completed' : 'failed'] += 1;
  }
  return tally;
}

function report(tally: Tally, out: string, json: boolean): number {
  const { completed, failed, refused, cost_usd: cost } = tally;
  const words = `${completed} completed, ${failed} failed, ${refused} refused, ${cost.toFixed(6)} USD: ${out}\n`;
  process.stdout.write(json ? `${JSON.stringify({ ...tally, out })}\n` : words);
  return failed + refused === 0 ? exitCode.ok : exitCode.failed;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
