import { ConfigError } from '@upshift/runtime';

import { unfinishedIn } from '../indexes.ts';
import { countEndsFromZero } from '../measure.ts';
import { minuteOf, STATS_KEPT_MS } from '../minute.ts';
import { cellKeys, cellOfId, DELIVER_QUEUE, globalKeys } from '../names.ts';
import { closeQueues, openConnection, pipelineOf } from '../pipeline.ts';
import type { Connection, Pipeline, PipelineOptions } from '../pipeline.ts';
import { Reread } from '../reread.ts';
import { keyKeptMs } from '../retention.ts';
import { cellOfKey, cellsAt, earlierCells, endedBy, mostCells, parsePeriods } from './periods.ts';
import type { Period } from './periods.ts';

interface CellOptions extends PipelineOptions {
  /** `UPSHIFT_CELLS`. */
  cells: number;
  /** Have new jobs spread over that number, as intake does. */
  spreads: boolean;
  /** `UPSHIFT_CONSUME_CELLS`: the numbers of the cells whose queues this process works on; null for all. */
  consumed: number[] | null;
}

/** Where a new job goes. */
export interface Placement {
  pipeline: Pipeline;
  /** Where it may go too: a job with a key must be found in its own cell. */
  others: Pipeline[];
  /** Where the claim of its key may stand from before the number of cells was changed. */
  earlier: Pipeline[];
  /** Over how many cells new jobs are spread. */
  cells: number;
}

/** All cells over one connection. A function that is about one job works on the job's cell alone. */
export interface Cells extends Connection {
  /** The cell of a job, as its id says. */
  of(id: string): Pipeline;
  /** Has what belongs to no job. */
  first: Pipeline;
  /** Every cell that may hold jobs, by number. */
  all(): Promise<Pipeline[]>;
  /** @param keyHash of the job's idempotency key, in hex; null where it has none */
  place(keyHash: string | null): Promise<Placement>;
  options: CellOptions;
  /** Those that this process has worked on so far, by number. */
  opened: Map<number, Pipeline>;
}

/** Each process reads so often over how many cells new jobs are spread, in ms. */
const READ_EVERY_MS = 1000;
const periods = new Reread(READ_EVERY_MS, readPeriods);
/** A change holds so much later, in ms: all processes have read it by then, and their clocks may differ by the rest. */
const CHANGE_AFTER_MS = 10_000;

/** Connects, refuses a Redis that would lose jobs, and makes this process's configuration known under its version. */
export async function openCells(options: CellOptions): Promise<Cells> {
  const connection = await openConnection(options);
  countEndsFromZero(options.metrics);
  if (options.spreads) await spreadJobs(connection, options.cells);
  const opened = new Map<number, Pipeline>();
  const cell = (number: number): Pipeline => {
    const pipeline = opened.get(number) ?? pipelineOf(connection, number);
    opened.set(number, pipeline);
    return pipeline;
  };
  const cells: Cells = {
    ...connection,
    options,
    opened,
    first: cell(0),
    of: (id) => cell(cellOfId(id)),
    all: async () => upTo(Math.max(mostCells(await periods.get(connection)), options.cells)).map(cell),
    async place(keyHash) {
      const known = await periods.get(connection);
      const now = Date.now();
      const cells = cellsAt(known, now);
      if (keyHash === null) {
        const number = Math.floor(Math.random() * cells);
        return { pipeline: cell(number), others: upTo(cells).toSpliced(number, 1).map(cell), earlier: [], cells };
      }
      const earlier = earlierCells(known, keyHash, now, keyKeptMs(options.config)).map(cell);
      return { pipeline: cell(cellOfKey(keyHash, cells)), others: [], earlier, cells };
    },
  };
  await warnOfLeftCells(cells);
  return cells;
}

export async function closeCells(cells: Cells): Promise<void> {
  await Promise.all([...cells.opened.values()].map(closeQueues));
  cells.redis.disconnect();
}

/** The cells whose queues this process works on. Throws a `ConfigError` where it is told one that there is not. */
export async function consumedCells(cells: Cells): Promise<Pipeline[]> {
  const all = await cells.all();
  const { consumed, cells: given } = cells.options;
  if (consumed === null) return all;
  const unknown = consumed.filter((number) => number >= all.length);
  if (unknown.length === 0) return consumed.map((number) => all[number]!);
  throw new ConfigError('UPSHIFT_CONSUME_CELLS', [
    `names cell ${unknown.join(', ')}; there are cells 0 to ${all.length - 1}, for UPSHIFT_CELLS is ${given}`,
  ]);
}

/** KEYS: periods, routes of the first cell. ARGV: cells, delay of a change in ms. */
const spreadScript = `
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0)[1]
if last == ARGV[1] then return end
if not last and redis.call('EXISTS', KEYS[2]) == 0 then return redis.call('ZADD', KEYS[1], 0, ARGV[1]) end
if not last then redis.call('ZADD', KEYS[1], 0, 1) end
if not last and ARGV[1] == '1' then return end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])`;

/**
 * Has new jobs spread over `UPSHIFT_CELLS` cells: at once where there are no jobs yet, else in some seconds, so that at each time
 * all processes look for a key in the same cell.
 */
async function spreadJobs({ redis }: Connection, cells: number): Promise<void> {
  await redis.eval(spreadScript, 2, globalKeys.periods, cellKeys(0).routes, cells, CHANGE_AFTER_MS);
}

/** Says loudly where cells hold jobs that are to get no more: they are still consumed, but not by those who are told other cells. */
async function warnOfLeftCells(cells: Cells): Promise<void> {
  const left = (await cells.all()).slice(cells.options.cells);
  const open = await Promise.all(left.map(unfinishedIn));
  left.forEach(({ cell, logger }, index) => {
    if (!open[index]) return;
    const message = `UPSHIFT_CELLS=${cells.options.cells} leaves out cell ${cell}, which has open jobs; it must be consumed until they have ended`;
    logger.warn({ cell, open: open[index] }, message);
  });
}

/** Forgets numbers of cells that hold no more, once no cell beyond today's number has anything left. */
export async function retireCells(cells: Cells): Promise<void> {
  const { redis, config } = cells;
  const known = await readPeriods(cells);
  const now = Date.now();
  for (const { cells: number, since } of endedBy(known, now - keyKeptMs(config))) {
    const beyond = (await cells.all()).slice(cellsAt(known, now), number);
    // By its time: where somebody has just gone back to that number it has a new one.
    if ((await Promise.all(beyond.map(isEmpty))).every(Boolean)) await redis.zremrangebyscore(globalKeys.periods, since, since);
  }
}

/** Whether a cell has nothing left that is still read: jobs, deliveries under way, labels, and counters, which are a part of today's savings. */
async function isEmpty(pipeline: Pipeline): Promise<boolean> {
  const { redis, keys } = pipeline;
  // Ended jobs after unfinished ones: one that ends meanwhile is seen in one of both.
  if ((await unfinishedIn(pipeline)) > 0) return false;
  const deliveries = ['wait', 'prioritized', 'delayed', 'active'].map((name) => `${keys.prefix}:${DELIVER_QUEUE}:${name}`);
  const now = minuteOf(Date.now());
  const counters = Array.from({ length: minuteOf(STATS_KEPT_MS) + 1 }, (_, age) => keys.stats(now - age));
  const left = await redis.exists(keys.expiries, keys.quarantine, ...deliveries, ...counters);
  // A stream stays when the last of it is forgotten.
  return left === 0 && (await redis.xlen(keys.labels)) === 0;
}

async function readPeriods({ redis }: Connection): Promise<Period[]> {
  return parsePeriods(await redis.zrange(globalKeys.periods, 0, '-1', 'WITHSCORES'));
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}
