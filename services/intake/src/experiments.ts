import { experimentName, parseExperiment, ProblemError, promoteRequest } from '@upshift/contracts';
import {
  commandExperimentByName,
  createExperiment,
  experimentSummaryOf,
  experimentViewOf,
  readExperiment,
  readExperiments,
} from '@upshift/queues';
import type { Cells, ExperimentCommand } from '@upshift/queues';
import { Router } from 'express';
import type { RequestHandler } from 'express';
import { z } from 'zod';

import { parse } from './parse.ts';
import { allowJson, methodNotAllowed, requireJson } from './problems.ts';
import type { ByName } from './tools.ts';

/** A/B tests, canaries, shadows and adaptive experiments. */
export function experimentRoutes(cells: Cells, json: RequestHandler): Router {
  const routes = Router();
  routes.param('name', (_request, _response, next, name: string) => {
    next(experimentName.safeParse(name).success ? undefined : noSuchExperiment(name));
  });
  routes.route('/v1/experiments').get(list(cells)).post(requireJson, json, create(cells)).all(methodNotAllowed('GET, POST'));
  routes.route('/v1/experiments/:name').get(show(cells)).all(methodNotAllowed('GET'));
  for (const command of ['pause', 'resume', 'promote', 'abort'] as const)
    routes
      .route(`/v1/experiments/:name/${command}`)
      .post(allowJson, json, carryOut(cells, command))
      .all(methodNotAllowed('POST'));
  return routes;
}

function list(cells: Cells): RequestHandler {
  return async (_request, response) => void response.json({ data: (await readExperiments(cells)).map(experimentSummaryOf) });
}

function create(cells: Cells): RequestHandler {
  return async (request, response) => {
    const parsed = parseExperiment(request.body);
    if ('errors' in parsed) throw ProblemError.ofFields('invalid_experiment', parsed.errors);
    const record = await createExperiment(cells, parsed.experiment);
    response
      .status(201)
      .location(`/v1/experiments/${record.document.name}`)
      .json(await experimentViewOf(cells, record));
  };
}

function show(cells: Cells): ByName {
  return async ({ params: { name } }, response) => {
    const record = await readExperiment(cells, name);
    if (record === null) throw noSuchExperiment(name);
    response.json(await experimentViewOf(cells, record));
  };
}

function carryOut(cells: Cells, command: ExperimentCommand): ByName {
  // The others are about all arms: who names one means another command.
  const schema: z.ZodType<{ arm?: string | undefined }> = command === 'promote' ? promoteRequest : z.strictObject({});
  return async ({ params: { name }, body }, response) => {
    const { arm = null } = parse(schema, body ?? {}, 'invalid_experiment');
    const record = await commandExperimentByName(cells, name, command, arm);
    if (record === null) throw noSuchExperiment(name);
    response.json(await experimentViewOf(cells, record));
  };
}

function noSuchExperiment(name: string): ProblemError {
  return new ProblemError('not_found', `there is no experiment ${name.slice(0, 64)}`);
}
