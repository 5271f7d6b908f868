import { fieldError, fieldErrors, jobView, ProblemError } from '@upshift/contracts';
import type { FieldError, JobView } from '@upshift/contracts';
import { dropFromIndexes, isJobId, listJobs, readView } from '@upshift/queues';
import type { Cells, JobFilter } from '@upshift/queues';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';

import type { Tools } from './tools.ts';
import { wholeNumber } from './whole-number.ts';

const LONGEST_PAGE = 100;

/** What chooses jobs in a query, beside `metadata.KEY=VALUE`. */
export const filterQuery = {
  status: jobView.shape.status.optional(),
  route: z.string().min(1).optional(),
  task: z.string().min(1).optional(),
};

const listQuery = z.strictObject({
  ...filterQuery,
  limit: wholeNumber(LONGEST_PAGE).default(20),
  after: z.string().refine(isJobId, 'must be the id of a job: the last_id of the page before').optional(),
});

/** `GET /v1/jobs`: a page of jobs, newest first. */
export function getJobs({ cells }: Tools): RequestHandler {
  return async (request, response) => {
    const { values, metadata } = readQuery(request, listQuery);
    const { limit, after, ...rest } = values;
    const filter = { ...rest, metadata };
    const { ids, hasMore } = await listJobs(cells, filter, { limit, after: after ?? null });
    const data = (await Promise.all(ids.map((id) => viewIfThere(cells, filter, id)))).filter((view) => view !== null);
    response.json({ object: 'list', data, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null, has_more: hasMore });
  };
}

/** The filter of a query by which jobs or their events are chosen, with what else the schema knows. */
export function readQuery<Shape extends z.ZodType<object>>(
  request: Request,
  schema: Shape,
): { values: z.output<Shape>; metadata: Record<string, string> } {
  // Of what comes before nothing is read: a request may name any host, and one that is none.
  const parameters = new URLSearchParams(/\?.*/.exec(request.originalUrl)?.[0]);
  refuseRepeated(parameters);
  const entries = [...parameters];
  const given = Object.fromEntries(entries.filter((entry) => !isMetadata(entry)));
  const parsed = schema.safeParse(given, { reportInput: true });
  if (!parsed.success) throw ProblemError.ofFields('invalid_query', withMetadata(fieldErrors(parsed.error, given, schema)));
  const metadata = entries.filter(isMetadata).map(([name, value]) => [name.slice('metadata.'.length), value] as const);
  return { values: parsed.data, metadata: Object.fromEntries(metadata) };
}

/** All but one of the values would be ignored in silence. */
function refuseRepeated(parameters: URLSearchParams): void {
  const errors = [...Map.groupBy(parameters, ([name]) => name)].flatMap(([name, given]) => {
    const values = given.map(([, value]) => value);
    return values.length > 1 ? [fieldError([name], 'is given twice; a parameter has one value', values)] : [];
  });
  if (errors.length > 0) throw ProblemError.ofFields('invalid_query', errors);
}

function isMetadata([name]: [string, string]): boolean {
  return name.startsWith('metadata.');
}

/** A filter of metadata is no key of the schema: it is told beside those that are. */
function withMetadata(errors: FieldError[]): FieldError[] {
  return errors.map((error) =>
    error.message.startsWith('is not known here; known') ? { ...error, message: `${error.message}, metadata.KEY` } : error,
  );
}

async function viewIfThere(cells: Cells, filter: JobFilter, id: string): Promise<JobView | null> {
  const view = await readView(cells.of(id), id);
  if (view === null) await dropFromIndexes(cells.of(id), filter, id);
  return view;
}
