import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ConfigError } from '@upshift/runtime';
import { z } from 'zod';

import { wrongFields } from '../parse-line.ts';
import { readText } from '../read-text.ts';
import { writeWhole } from '../write-file.ts';
import { badGold, matcherName } from './matchers.ts';

const row = z
  .strictObject({
    id: z.string().min(1),
    task: z.string().optional(),
    route: z.string().optional(),
    input: z.record(z.string(), z.unknown()),
    checks: z.array(z.unknown()).default([]),
    gold: z.unknown().optional(),
    matcher: matcherName.optional(),
  })
  .superRefine(({ matcher, gold }, context) => {
    const message = matcher === undefined ? null : badGold(matcher, gold);
    if (message !== null) context.addIssue({ code: 'custom', path: ['gold'], message });
  });
export type WorkloadRow = z.infer<typeof row>;

export interface Workload {
  rows: WorkloadRow[];
  /** Changes with the file: two runs of one workload are told apart by the run, two files by this. */
  hash: string;
}

/** Reads a workload. Throws a `ConfigError` that lists every bad line. */
export function readWorkload(file: string): Workload {
  if (!existsSync(file)) throw new ConfigError(file, ['there is no such file; --workload names JSON lines']);
  const text = textOf(file);
  const lines = text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [{ line, number: index + 1 }]));
  const numbers = new Map<string, number>();
  const read = lines.map(({ line, number }) => readRow(line, number, numbers));
  const errors = read.flatMap((result) => ('error' in result ? [result.error] : []));
  if (errors.length > 0) throw new ConfigError(file, errors);
  const rows = read.flatMap((result) => ('row' in result ? [result.row] : []));
  return { rows, hash: createHash('sha256').update(text).digest('hex').slice(0, 12) };
}

function textOf(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new ConfigError(file, [error instanceof Error ? error.message : String(error)]);
  }
}

/** @param numbers the lines of the ids so far */
function readRow(line: string, number: number, numbers: Map<string, number>): { row: WorkloadRow } | { error: string } {
  try {
    const value: unknown = JSON.parse(line);
    const parsed = row.safeParse(value);
    if (!parsed.success) return { error: `line ${number}: ${wrongFields(parsed.error, value, row).join('; ')}` };
    const { id } = parsed.data;
    const earlier = numbers.get(id);
    // The id is the key of its job: two rows would be one job.
    if (earlier !== undefined) return { error: `line ${number}: id: ${JSON.stringify(id)} is that of line ${earlier} too` };
    numbers.set(id, number);
    return { row: parsed.data };
  } catch {
    return { error: `line ${number}: not JSON` };
  }
}

/** A run of a workload, by which its jobs are known: an unfinished one is gone on with, so that nothing is submitted twice. */
export interface Run {
  id: string;
  finish(): void;
}

export function openRun(directory: string, workload: Workload): Run {
  const file = join(directory, 'run.json');
  const last = readRun(file);
  const id = last && !last.finished && last.hash === workload.hash ? last.id : `${workload.hash}-${Date.now().toString(36)}`;
  const save = (finished: boolean): void => {
    writeWhole(file, JSON.stringify({ id, hash: workload.hash, finished }));
  };
  save(false);
  return { id, finish: () => save(true) };
}

/** Null where there is none, or none that can be read. */
function readRun(file: string): { id: string; hash: string; finished: boolean } | null {
  if (!existsSync(file)) return null;
  try {
    return savedRun.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

const savedRun = z.object({ id: z.string(), hash: z.string(), finished: z.boolean() });
