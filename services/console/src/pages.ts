import {
  experimentSummaryOf,
  experimentViewOf,
  readExperiment,
  readExperiments,
  isJobId,
  minuteOf,
  readAnswer,
  readJob,
  readRequest,
  readSavings,
  readStats,
  readTrail,
} from '@upshift/queues';
import type { Cells } from '@upshift/queues';
import { Router } from 'express';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';

import { experimentPage, experimentsPage } from './experiment-pages.ts';
import { assetRoutes } from './assets.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { jobPage } from './job-page.ts';
import type { StoredJob } from './job-page.ts';
import { keptFor } from './kept-for.ts';
import { messagePage } from './layout.ts';
import { overviewPage } from './overview-page.ts';
import { overviewQuery } from './overview-query.ts';
import { readOverview } from './overview.ts';
import { firstMinuteOf, plotsOf } from './plots.ts';

/** Nothing is loaded from other hosts, no script or style stands in a page, and no page may be framed. */
const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** The console's own pages, behind a login; read-only. */
export function pageRoutes(cells: Cells, login: RequestHandler): Router {
  const routes = Router();
  const page: RequestHandler[] = [login, policy];
  routes.get('/', page, overview(cells));
  routes.get('/plots.json', page, plots(cells));
  routes.get('/experiments', page, experiments(cells));
  routes.get('/experiments/:name', page, experiment(cells));
  routes.get('/jobs', page, search);
  routes.get('/jobs/:id', page, job(cells));
  routes.use('/assets', page, assetRoutes());
  return routes;
}

const policy: RequestHandler = (_request, response, next) => {
  response.set('Content-Security-Policy', CONTENT_POLICY);
  next();
};

/** Of all answers of the console, those of Bull Board too. */
export const commonHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
  });
  next();
};

const SAVINGS_DAYS = 7;
/** Every minute of today is added up for it, in ms. */
const SAVINGS_KEPT_MS = 60_000;

function overview(cells: Cells): RequestHandler {
  const savings = keptFor(SAVINGS_KEPT_MS, () => readSavings(cells, SAVINGS_DAYS));
  return async (request, response) => {
    const query = overviewQuery(request.query);
    send(response, 200, overviewPage(await readOverview(cells, query, savings), query));
  };
}

function plots(cells: Cells): RequestHandler {
  return async (request, response) => {
    const { range } = overviewQuery(request.query);
    const minute = minuteOf(Date.now());
    const stats = await readStats(cells, firstMinuteOf(range, minute), minute);
    const tiers = cells.config.tiers.map(({ name }) => name);
    response.json(plotsOf(stats, range, tiers));
  };
}

function experiments(cells: Cells): RequestHandler {
  return async (_request, response) =>
    send(response, 200, experimentsPage((await readExperiments(cells)).map(experimentSummaryOf)));
}

function experiment(cells: Cells): RequestHandler<{ name: string }> {
  return async ({ params: { name } }, response) => {
    const record = await readExperiment(cells, name);
    if (record === null) {
      const shown = name.slice(0, SHOWN_CHARACTERS);
      return send(response, 404, messagePage('No such experiment', html`There is no experiment <code>${shown}</code>.`));
    }
    send(response, 200, experimentPage(await experimentViewOf(cells, record)));
  };
}

const search: RequestHandler = (request, response) => {
  const { id } = request.query;
  const wanted = typeof id === 'string' ? id.trim() : '';
  if (isJobId(wanted)) return response.redirect(303, `/jobs/${wanted}`);
  send(response, 404, noSuchJob(wanted));
};

function job(cells: Cells): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const { id } = request.params;
    const stored = isJobId(id) ? await readStored(cells, id) : null;
    if (stored === null) return send(response, 404, noSuchJob(id));
    send(response, 200, jobPage(stored, Date.now()));
  };
}

async function readStored(cells: Cells, id: string): Promise<StoredJob | null> {
  const cell = cells.of(id);
  const [record, request, trail] = await Promise.all([readJob(cell, id), readRequest(cell, id), readTrail(cell, id)]);
  if (record === null || request === null) return null;
  const { state } = record;
  return {
    state,
    request,
    trail,
    answer: state.finalAttempt === null ? null : await readAnswer(cell, id, state.finalAttempt),
  };
}

/** Longest part of an unknown id that is shown. */
const SHOWN_CHARACTERS = 100;

function noSuchJob(id: string): Html {
  const shown = id.slice(0, SHOWN_CHARACTERS);
  const message = html`There is no job <code>${shown}</code>, or its retention has ended. An id is <code>job_</code> and 31
    hexadecimal digits.`;
  return messagePage('No such job', message, shown);
}

/** Answers where a page, or the board, could not. The one cause that an operator can mend is Redis: anything else is in the log. */
export function failed({ logger }: Cells): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const reason = error instanceof Error ? error.message : String(error);
    if (hasStatus(error)) return send(response, error.status, messagePage('Not found', reason));
    logger.error({ path: request.path, reason }, 'page failed');
    send(
      response,
      503,
      messagePage(
        'Nothing to show',
        'Redis does not answer, or what it holds could not be read. The log of the console says more.',
      ),
    );
  };
}

/** Of Express itself: an address that can not be decoded, a file that is not there. */
function hasStatus(error: unknown): error is { status: number; message: string } {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' && error.status < 500;
}

function send(response: Response, status: number, page: Html): void {
  response.status(status).type('html').send(page.text);
}
