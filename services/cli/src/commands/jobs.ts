import { setTimeout as pause } from 'node:timers/promises';

import { isTerminal } from '@upshift/contracts';
import type { JobPage, JobView, TrailEntry } from '@upshift/contracts';
import { EventSourceParserStream } from 'eventsource-parser/stream';

import { pathTo } from '../api.ts';
import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { print, say, show } from '../print.ts';
import { readStandardInput, readText } from '../read-text.ts';
import { patiently } from '../run/drive.ts';
import { table } from '../table.ts';
import { answerOf, costOf, storyLine, summaryOf } from './story.ts';

export interface SubmitOptions {
  file?: string;
  task?: string;
  route?: string;
  model?: string;
  webhook?: string;
  idempotencyKey?: string;
  jsonSchema?: string;
  /** In seconds; Infinity waits for the end. */
  wait?: number;
  json: boolean;
}

/** Longest that one request may wait, in seconds: as the API has it. */
const LONGEST_WAIT_S = 55;
/** Pause before a job that has not ended is asked for again, in ms: an API that stops, or a proxy, may answer at once. */
const LOOK_MS = 100;

/** Submits one prompt: the argument, a file, or standard input. Returns the exit code. */
export async function submit(api: Api, prompt: string | undefined, options: SubmitOptions): Promise<number> {
  const { task, route, model, webhook, idempotencyKey, wait } = options;
  const text = await promptOf(prompt, options.file);
  if (text === '') throw new CommandError('The prompt is empty. Give a prompt, --file FILE, or a pipe.', exitCode.refused);
  const input = { prompt: text, ...formatOf(options.jsonSchema) };
  const key = idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey };
  const accepted = await api.post<JobView>('/v1/jobs', { input, task, route, model, webhook }, key);
  // At once: who loses us, or the API, must not submit it again to have its answer.
  if (wait !== undefined) say(`Accepted as ${accepted.id}`);
  const job = wait === undefined ? accepted : await waitFor(api, accepted, wait);
  if (options.json) print(JSON.stringify(job));
  else if (wait === undefined || !isTerminal(job.status)) print(job.id);
  else print(job.result?.text ?? summaryOf(job));
  if (wait === undefined) return exitCode.ok;
  if (!options.json) say(summaryOf(job));
  if (isTerminal(job.status)) return codeOf(job);
  say(`Not ended within ${wait} s; follow it with  npx upshift watch ${job.id}`);
  return exitCode.unavailable;
}

/** Asks on until the job has ended or the wait, in seconds, is over; an API that goes away is waited for as long. */
async function waitFor(api: Api, accepted: JobView, seconds: number): Promise<JobView> {
  const until = performance.now() + seconds * 1000;
  const leftMs = (): number => Math.max(0, until - performance.now());
  let job = accepted;
  const look = async (): Promise<void> => {
    const waitS = Math.min(Math.ceil(leftMs() / 1000), LONGEST_WAIT_S);
    if (waitS > 0) job = await api.get<JobView>(`/v1/jobs/${accepted.id}`, { Prefer: `wait=${waitS}` });
  };
  for (; !isTerminal(job.status) && leftMs() > 0; await pause(Math.min(LOOK_MS, leftMs()))) await patiently(look, say, until);
  return job;
}

/** The format of an answer that must fit a JSON Schema in a file. */
function formatOf(file: string | undefined): object {
  if (file === undefined) return {};
  try {
    return { response_format: { type: 'json_schema', schema: JSON.parse(readText(file)) as unknown } };
  } catch (error) {
    // Who gives the schema itself has given a long name of a file that is not there, which the error would say again.
    const { code, message } = error as NodeJS.ErrnoException;
    const given = file.length > 60 ? `${file.slice(0, 60)}…` : file;
    throw new CommandError(
      `--json-schema is ${given}; it is a file that holds a JSON Schema (${code ?? message})`,
      exitCode.refused,
    );
  }
}

async function promptOf(prompt: string | undefined, file: string | undefined): Promise<string> {
  if (prompt !== undefined && file !== undefined)
    throw new CommandError('Give the prompt or --file, not both.', exitCode.refused);
  if (prompt !== undefined) return prompt;
  if (file === undefined && process.stdin.isTTY)
    throw new CommandError('Give a prompt, --file FILE, or a pipe.', exitCode.refused);
  try {
    // The last newline is the editor's or the pipe's, not the prompt's.
    const text = file === undefined ? await readStandardInput() : readText(file);
    return text.replace(/\r?\n$/, '');
  } catch (error) {
    throw new CommandError(
      `${file === undefined ? 'standard input' : `--file ${file}`}: ${error instanceof Error ? error.message : String(error)}`,
      exitCode.refused,
    );
  }
}

export async function get(api: Api, id: string, json: boolean): Promise<number> {
  const job = await api.get<JobView>(pathTo('jobs', id));
  const answer = job.result ? [`\n${answerOf(job.result)}`] : [];
  show(json, job, [summaryOf(job), ...answer, ...job.reasons.map((reason) => `  ${reason}`)]);
  return codeOf(job);
}

/** Cancels a job, and says so where it was too late for that: the API leaves a job that has ended as it is. */
export async function cancel(api: Api, id: string, json: boolean): Promise<number> {
  const path = pathTo('jobs', id);
  const before = await api.get<JobView>(path);
  const job = await api.post<JobView>(`${path}/cancel`);
  show(json, job, [summaryOf(job)]);
  // It may also have ended between the two.
  if (isTerminal(before.status) || job.status !== 'cancelled')
    say(`Nothing was cancelled: the job had ended already (${job.status}).`);
  return exitCode.ok;
}

export interface VerdictOptions {
  passed?: boolean;
  failed?: boolean;
  reason: string;
  revision?: number;
  json: boolean;
}

/** Says of a delivered answer whether it is good. */
export async function verdict(api: Api, id: string, options: VerdictOptions): Promise<number> {
  const { passed = false, failed = false, reason, json } = options;
  if (passed === failed) throw new CommandError('Give --passed or --failed.', exitCode.refused);
  const path = pathTo('jobs', id);
  const revision = options.revision ?? (await api.get<JobView>(path)).revision;
  const job = await api.post<JobView>(`${path}/verdict`, { revision, passed, reason });
  return show(json, job, [summaryOf(job)]);
}

/** A job's story. */
export async function trail(api: Api, id: string, json: boolean): Promise<number> {
  const path = pathTo('jobs', id);
  const { data } = await api.get<{ data: TrailEntry[] }>(`${path}/trail`);
  if (json) return show(json, data, []);
  const startedAt = Date.parse(data[0]?.at ?? '');
  const story = data.map((entry) => storyLine(entry, startedAt, process.stdout));
  return show(json, data, [...story, '', summaryOf(await api.get<JobView>(path))]);
}

/** Pause before a stream that broke off is taken up again, in ms. */
const RECONNECT_MS = 1000;

/** Follows a job to its end; a stream that breaks off is taken up where it was. */
export async function watch(api: Api, id: string, json: boolean): Promise<number> {
  const path = `${pathTo('jobs', id)}/events`;
  let last = '';
  let startedAt: number | null = null;
  for (;;) {
    try {
      const response = await api.open(path, last === '' ? {} : { 'Last-Event-ID': last });
      const events = response.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for await (const { id: eventId, event, data } of events) {
        if (event === 'end') return ended(JSON.parse(data) as JobView, json);
        last = eventId ?? last;
        const entry = JSON.parse(data) as TrailEntry;
        startedAt ??= Date.parse(entry.at);
        print(json ? data : storyLine(entry, startedAt, process.stdout));
      }
    } catch (error) {
      if (error instanceof CommandError && (error.code === exitCode.refused || last === '')) throw error;
      say(`The stream broke off (${error instanceof Error ? error.message : String(error)}); taking it up again.`);
    }
    await pause(RECONNECT_MS);
  }
}

function ended(job: JobView, json: boolean): number {
  show(json, job, [`\n${summaryOf(job)}`]);
  return codeOf(job);
}

export interface ListOptions {
  status?: string;
  route?: string;
  task?: string;
  metadata: string[];
  limit?: string;
  after?: string;
  json: boolean;
}

/** Jobs, newest first. */
export async function list(api: Api, { metadata, json, ...options }: ListOptions): Promise<number> {
  const pairs = metadata.map(metadataPair);
  const given = Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const query = new URLSearchParams([...given, ...pairs]).toString();
  const page = await api.get<JobPage>(`/v1/jobs?${query}`);
  const rows = page.data.map((job) => [job.id, job.created_at, job.status, job.result?.model ?? '', costOf(job)]);
  const more = page.has_more ? [`More with  --after ${page.last_id}`] : [];
  return show(json, page, [...table(['job', 'created', 'status', 'answered by', 'cost'], rows), ...more]);
}

function metadataPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at < 1) throw new CommandError(`--metadata ${pair}: a pair is key=value, as in --metadata customer=42.`, exitCode.refused);
  return [`metadata.${pair.slice(0, at)}`, pair.slice(at + 1)];
}

/** A job that has not ended yet is no failure. */
function codeOf({ status }: JobView): number {
  return status === 'completed' || !isTerminal(status) ? exitCode.ok : exitCode.failed;
}
