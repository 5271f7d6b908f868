import { ProblemError, redeliverRequest, webhookName, webhookRequest } from '@upshift/contracts';
import type { DeliveryView } from '@upshift/contracts';
import {
  createWebhook,
  deleteWebhook,
  deliveryViewOf,
  enableWebhook,
  lastDelivery,
  listDeliveries,
  listWebhooks,
  readWebhook,
  redeliver,
  rotateWebhook,
  undelivered,
  withoutSecrets,
} from '@upshift/queues';
import type { Cells, Delivery } from '@upshift/queues';
import { badWebhookUrl } from '@upshift/routing';
import { Router } from 'express';
import type { RequestHandler } from 'express';
import { z } from 'zod';

import { parse } from './parse.ts';
import { methodNotAllowed, requireJson } from './problems.ts';
import type { ByName } from './tools.ts';
import { wholeNumber } from './whole-number.ts';

/** Deliveries of a page of the log. */
const LONGEST_LOG = 100;

const logQuery = z.strictObject({ limit: wholeNumber(LONGEST_LOG).default(20) });

/** The endpoints that are told of the ends of jobs. */
export function webhookRoutes(cells: Cells, json: RequestHandler): Router {
  const routes = Router();
  routes.param('name', (_request, _response, next, name: string) => {
    next(webhookName.safeParse(name).success ? undefined : noSuchWebhook(name));
  });
  routes.route('/v1/webhooks').get(list(cells)).post(requireJson, json, create(cells)).all(methodNotAllowed('GET, POST'));
  routes.route('/v1/webhooks/:name').get(show(cells)).delete(remove(cells)).all(methodNotAllowed('GET, DELETE'));
  routes.route('/v1/webhooks/:name/rotate').post(rotate(cells)).all(methodNotAllowed('POST'));
  routes.route('/v1/webhooks/:name/enable').post(enable(cells)).all(methodNotAllowed('POST'));
  routes.route('/v1/webhooks/:name/deliveries').get(deliveries(cells)).all(methodNotAllowed('GET'));
  routes.route('/v1/webhooks/:name/redeliver').post(requireJson, json, sendAgain(cells)).all(methodNotAllowed('POST'));
  return routes;
}

function list(cells: Cells): RequestHandler {
  return async (_request, response) => void response.json({ data: await listWebhooks(cells) });
}

function create(cells: Cells): RequestHandler {
  const url = webhookRequest.shape.url.superRefine((text, context) => {
    const bad = badWebhookUrl(text, cells.config.webhooks.allow_private_addresses);
    if (bad === null) return;
    const isForDevelopment = badWebhookUrl(text, true) === null;
    context.addIssue(isForDevelopment ? `${bad}; webhooks.allow_private_addresses lifts that for development` : bad);
  });
  const schema = webhookRequest.extend({ url });
  return async (request, response) => {
    const wanted = parse(schema, request.body ?? {}, 'invalid_webhook');
    response
      .status(201)
      .location(`/v1/webhooks/${wanted.name}`)
      .json(await createWebhook(cells, wanted));
  };
}

function show(cells: Cells): ByName {
  return async ({ params: { name } }, response) =>
    void response.json(withoutSecrets(there(await readWebhook(cells, name), name)));
}

function remove(cells: Cells): ByName {
  return async ({ params: { name } }, response) => {
    if (!(await deleteWebhook(cells, name))) throw noSuchWebhook(name);
    response.status(204).end();
  };
}

function rotate(cells: Cells): ByName {
  return async ({ params: { name } }, response) => void response.json(there(await rotateWebhook(cells, name), name));
}

function enable(cells: Cells): ByName {
  return async ({ params: { name } }, response) => void response.json(there(await enableWebhook(cells, name), name));
}

function deliveries(cells: Cells): ByName {
  return async ({ params: { name }, query }, response) => {
    there(await readWebhook(cells, name), name);
    const { limit } = parse(logQuery, query, 'invalid_query');
    const data: DeliveryView[] = (await listDeliveries(cells, name, limit)).map(deliveryViewOf);
    response.json({ data });
  };
}

/** Sends again what was not delivered: that of one job, or all. */
function sendAgain(cells: Cells): ByName {
  return async ({ params: { name }, body }, response) => {
    const wanted = parse(redeliverRequest, body ?? {}, 'invalid_webhook');
    const { enabled, disabled_reason: reason } = there(await readWebhook(cells, name), name);
    if (!enabled) throw new ProblemError('invalid_webhook', `webhook ${name} is disabled (${reason}); enable it first`);
    const chosen = 'job' in wanted ? [await ofJob(cells, name, wanted.job)] : undelivered(cells, name);
    let redelivered = 0;
    for await (const delivery of chosen) {
      await redeliver(cells, delivery);
      redelivered += 1;
    }
    response.status(202).json({ redelivered });
  };
}

async function ofJob(cells: Cells, name: string, job: string): Promise<Delivery> {
  const newest = await lastDelivery(cells, name, job);
  if (newest === null) throw new ProblemError('not_found', `webhook ${name} has no delivery of job ${job.slice(0, 100)}`);
  return newest;
}

function there<Found>(found: Found | null, name: string): Found {
  if (found === null) throw noSuchWebhook(name);
  return found;
}

function noSuchWebhook(name: string): ProblemError {
  return new ProblemError('not_found', `there is no webhook ${name.slice(0, 64)}`);
}
