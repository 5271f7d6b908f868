import { isTerminal } from '@upshift/contracts';
import type { JobPage, JobRecording, JobView } from '@upshift/contracts';

import { isNotFound } from '../api.ts';
import type { Api } from '../api.ts';
import { say, show } from '../print.ts';
import { counted } from '../table.ts';
import { openPart } from './part-file.ts';

export interface RecordOptions {
  out: string;
  route?: string;
  status?: string;
  /** Jobs made before this time, in ms since the epoch, are left out. */
  since?: number;
  limit?: number;
  force: boolean;
  json: boolean;
}

/** Jobs on a page: as many as the API gives. */
const PAGE = 100;
/** Recordings asked for at once. */
const ASKED_AT_ONCE = 16;

interface Tally {
  recorded: number;
  /** Jobs that had not ended. */
  unfinished: number;
  redactions: number;
}

/** `upshift record`: ended jobs with their answers, newest first, a JSON line each. Returns the exit code. */
export async function record(api: Api, { out, json, force, ...chosen }: RecordOptions): Promise<number> {
  const part = await openPart(out, { ...chosen, url: api.url }, force);
  if (part.written > 0) say(`Going on after ${part.written} jobs in ${part.file}.`);
  const tally: Tally = { recorded: part.written, unfinished: 0, redactions: part.redactions };
  for await (const jobs of pagesOf(api, chosen, part.lastJob)) {
    const left = (chosen.limit ?? Infinity) - tally.recorded;
    const ended = jobs.filter(({ status }) => isTerminal(status)).slice(0, left);
    tally.unfinished += jobs.filter(({ status }) => !isTerminal(status)).length;
    const recordings = await recordingsOf(api, ended);
    part.write(recordings);
    tally.recorded += recordings.length;
    tally.redactions += recordings.reduce((sum, { redactions }) => sum + redactions, 0);
    say(`${tally.recorded} jobs recorded, back to ${jobs.at(-1)?.created_at}`);
    if (ended.length === left) break;
  }
  part.finish();
  return report(tally, out, json);
}

/** Pages of jobs, newest first, down to `since`. */
async function* pagesOf(
  api: Api,
  { route, status, since = -Infinity }: Pick<RecordOptions, 'route' | 'status' | 'since'>,
  lastJob: string | null,
): AsyncGenerator<JobView[]> {
  const filter = { ...(route === undefined ? {} : { route }), ...(status === undefined ? {} : { status }) };
  for (let after = lastJob; ;) {
    const query = new URLSearchParams({ ...filter, limit: String(PAGE), ...(after === null ? {} : { after }) });
    const page = await api.get<JobPage>(`/v1/jobs?${query.toString()}`);
    const young = page.data.filter(({ created_at: at }) => Date.parse(at) >= since);
    if (young.length > 0) yield young;
    if (!page.has_more || young.length < page.data.length) return;
    after = page.last_id;
  }
}

/** All ended jobs with their answers, newest first, some at once. */
export async function* recordingPages(api: Api): AsyncGenerator<JobRecording[]> {
  for await (const jobs of pagesOf(api, {}, null))
    yield await recordingsOf(
      api,
      jobs.filter(({ status }) => isTerminal(status)),
    );
}

async function recordingsOf(api: Api, jobs: JobView[]): Promise<JobRecording[]> {
  const recordings: JobRecording[] = [];
  for (let start = 0; start < jobs.length; start += ASKED_AT_ONCE) {
    const some = jobs.slice(start, start + ASKED_AT_ONCE);
    const found = await Promise.all(some.map(({ id }) => recordingOf(api, `/v1/jobs/${id}`)));
    recordings.push(...found.filter((recording) => recording !== null));
  }
  return recordings;
}

/** Null for a job whose retention has ended since it was listed, or that a late verdict has reopened. */
export async function recordingOf(api: Api, path: string): Promise<JobRecording | null> {
  try {
    return await api.get<JobRecording>(`${path}/recording`);
  } catch (error) {
    const isNone = await api.get<JobView>(path).then(({ status }) => !isTerminal(status), isNotFound);
    if (isNone) return null;
    throw error;
  }
}

function report({ recorded, unfinished, redactions }: Tally, out: string, json: boolean): number {
  const notEnded = unfinished === 0 ? '' : `; ${unfinished} had not ended`;
  const words = `${counted(recorded, 'job')} recorded in ${out}, newest first; ${counted(redactions, 'piece')} of text redacted${notEnded}.`;
  return show(json, { recorded, unfinished, redactions, out }, [words]);
}
