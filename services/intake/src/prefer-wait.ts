import { isTerminal } from '@upshift/contracts';
import type { JobView } from '@upshift/contracts';
import { readJob } from '@upshift/queues';
import type { Cells } from '@upshift/queues';
import type { Request, Response } from 'express';

import { readView } from './read-view.ts';
import type { Tools } from './tools.ts';

/** Longest that a client may wait within one request, in seconds: proxies cut idle connections at about 60. */
const LONGEST_WAIT_S = 55;

/**
 * The job, after the wait that the client prefers (`Prefer: wait=N`, RFC 7240) or at its end, whichever is first; without the
 * header, as it is now. Throws a 404 problem where there is none.
 *
 * @param accepted the job as it was accepted a moment ago; null where it must be read
 */
export async function viewAfterWait(
  tools: Tools,
  id: string,
  request: Pick<Request, 'get'>,
  response: Response,
  accepted: JobView | null = null,
): Promise<JobView> {
  const seconds = waitOf(request);
  if (seconds === null) return accepted ?? readView(tools.cells, id);
  response.set('Preference-Applied', `wait=${seconds}`);
  return waitFor(tools, id, seconds, response, accepted !== null);
}

function waitOf(request: Pick<Request, 'get'>): number | null {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d+)"?(?:$|[,;\s])/i.exec(request.get('Prefer') ?? '')?.[1];
  return wait === undefined ? null : Math.min(LONGEST_WAIT_S, Number(wait));
}

/** Listens first and looks then, so that an end between the two is not missed. */
async function waitFor(
  { cells, signals, stopping }: Tools,
  id: string,
  seconds: number,
  response: Response,
  isNew: boolean,
): Promise<JobView> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const ended = signals.ended(id, AbortSignal.any([AbortSignal.timeout(seconds * 1000), stopping, gone.signal]));
  if (isNew ? signals.hasJustEnded(id) : await isOver(cells, id)) gone.abort();
  await ended;
  return readView(cells, id);
}

async function isOver(cells: Cells, id: string): Promise<boolean> {
  const record = await readJob(cells.of(id), id);
  return record === null || isTerminal(record.state.status);
}
