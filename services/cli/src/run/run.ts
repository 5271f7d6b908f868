import { appendFileSync, statSync } from 'node:fs';

import type { JobView } from '@upshift/contracts';

import { isNotFound, pathTo } from '../api.ts';
import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { INTERRUPTED } from '../interruption.ts';
import { say, show } from '../print.ts';
import { counted } from '../table.ts';
import { createProgress, newProgress } from '../up/progress.ts';
import { naming } from '../write-file.ts';
import { drive } from './drive.ts';
import type { DrivenRow, Outcome } from './drive.ts';
import { openJournal } from './journal.ts';
import { readLines } from './read-lines.ts';
import { countRows, readRows } from './read-rows.ts';
import type { Row, RowOptions } from './read-rows.ts';

export interface RunOptions extends RowOptions {
  out?: string;
  force: boolean;
  json: boolean;
}

/** What a run came to. */
interface Tally {
  rows: number;
  completed: number;
  failed: number;
  refused: number;
  cost_usd: number;
  /** Jobs of which a part of the cost is unknown, and in no sum. */
  cost_unknown: number;
}

type KeyedRow = Row & DrivenRow;

/** `upshift run`: all rows of a file through the API, results in the order of the rows. Returns the exit code. */
export async function run(api: Api, file: string, { out, force, json, ...options }: RunOptions): Promise<number> {
  if (out === undefined)
    throw new CommandError(
      'Say where the results go, with --out FILE; or --dry-run, which only prices the rows.',
      exitCode.refused,
    );
  refusePipe(file);
  const rows = await countRows(file, options);
  const journal = await openJournal({ input: file, output: out, url: api.url, hasJob: jobsOf(api), options, force });
  if (journal.written > 0) say(`Going on after ${journal.written} results in ${out}.`);
  const bar = createProgress(process.stderr);
  process.once('SIGINT', () => {
    say('\nStopped. Jobs that were submitted go on, at their cost; the same line goes on and has their results.');
    process.exit(INTERRUPTED);
  });
  const outcomes = drive(api, keyed(readRows(file, options), journal.id, journal.written), {
    progress: newProgress(rows - journal.written),
    show: (progress) => bar.show(progress),
    say: (message) => say(`${message}\nWaiting for it; Ctrl-C stops, and the same line goes on later.`),
  });
  for await (const outcome of outcomes) naming(out, () => appendFileSync(out, `${JSON.stringify(resultOf(outcome))}\n`));
  bar.done();
  journal.finish();
  return report(await tallyOf(out), out, json);
}

function jobsOf(api: Api): (id: string) => Promise<boolean> {
  return async (id) => {
    try {
      await api.get(pathTo('jobs', id));
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
}

/** A run reads its file more than once, and again where it is gone on with. */
function refusePipe(file: string): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile() || stat.isDirectory()) return;
  throw new CommandError(
    `${file} is a pipe or a device, and is read more than once: save it as a file first. --dry-run reads pipes too.`,
    exitCode.refused,
  );
}

/** Under keys of the run, so that rows that are submitted again give the same jobs. The first `skip` are done. */
async function* keyed(rows: AsyncIterable<Row>, runId: string, skip: number): AsyncGenerator<KeyedRow> {
  let skipped = 0;
  for await (const row of rows) {
    if (skipped < skip) skipped += 1;
    else yield { ...row, key: `${runId}/${row.line}` };
  }
}

function resultOf({ row, id, job, error }: Outcome<KeyedRow>): object {
  const place = {
    line: row.line,
    ...(row.customId === null ? {} : { custom_id: row.customId }),
    ...(id === null ? {} : { id }),
  };
  if (job === null) return { ...place, error };
  const { status, result, cost_usd, cost_unknown, escalations, reasons } = job;
  return {
    ...place,
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
          refusal: result.refusal,
        }),
    cost_usd,
    cost_unknown,
    escalations,
    reasons,
  };
}

/** Counted from the output, because an earlier process may have written the first of it. */
async function tallyOf(out: string): Promise<Tally> {
  const tally: Tally = { rows: 0, completed: 0, failed: 0, refused: 0, cost_usd: 0, cost_unknown: 0 };
  for await (const line of readLines(out)) {
    const { status, cost_usd: costUsd = 0, cost_unknown: unknown = false } = JSON.parse(line) as Partial<JobView>;
    tally.rows += 1;
    tally.cost_usd += costUsd;
    tally.cost_unknown += unknown ? 1 : 0;
    tally[status === undefined ? 'refused' : status === 'completed' ? 'completed' : 'failed'] += 1;
  }
  return tally;
}

function report(tally: Tally, out: string, json: boolean): number {
  const { completed, failed, refused, cost_usd: usd, cost_unknown: unknown } = tally;
  const cost = `${usd.toFixed(6)} USD${unknown === 0 ? '' : ` and ${counted(unknown, 'job')} of unknown cost`}`;
  const words = `${completed} completed, ${failed} failed, ${refused} refused, ${cost}: ${out}`;
  show(json, { ...tally, out }, [words]);
  return failed + refused === 0 ? exitCode.ok : exitCode.failed;
}
