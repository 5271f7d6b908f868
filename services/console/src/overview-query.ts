import { jobView } from '@upshift/contracts';
import type { JobStatus } from '@upshift/contracts';
import { isJobId } from '@upshift/queues';

import { ranges } from './plots.ts';
import type { RangeName } from './plots.ts';

/** What the address of the overview asks for. */
export interface OverviewQuery {
  range: RangeName;
  /** Of the jobs listed; null for all. */
  status: JobStatus | null;
  /** The last job of the page before. */
  after: string | null;
}

const shortest: RangeName = '1h';

/** Reads an address; what it has not, or has wrong, is as if it were left out. */
export function overviewQuery({ range, status, after }: Record<string, unknown>): OverviewQuery {
  return {
    range: typeof range === 'string' && Object.hasOwn(ranges, range) ? (range as RangeName) : shortest,
    status: jobView.shape.status.safeParse(status).data ?? null,
    after: typeof after === 'string' && isJobId(after) ? after : null,
  };
}

/** The address of the overview with one thing of it changed; always from the newest job on, unless the change says otherwise. */
export function linkTo({ range, status }: OverviewQuery, change: Partial<OverviewQuery>): string {
  const next = { range, status, after: null, ...change };
  const given = Object.entries(next).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== shortest);
  return given.length === 0 ? '/' : `/?${new URLSearchParams(given).toString()}`;
}
