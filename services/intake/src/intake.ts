import { closeCells, isJobId, listenToSignals, openCells, openEventFeed, redisReadiness } from '@upshift/queues';
import { badConfig } from '@upshift/routing';
import { cellOptions, ConfigError } from '@upshift/runtime';
import type { Running, ServiceContext } from '@upshift/runtime';
import express from 'express';

import { experimentRoutes } from './experiments.ts';
import { getAllEvents } from './all-events.ts';
import { onlyBulk, postJobs } from './bulk.ts';
import { cancelJob, getJob, getTrail } from './get-job.ts';
import { getModelHealth } from './get-model-health.ts';
import { getQueues } from './get-queues.ts';
import { getLabels } from './get-labels.ts';
import { getSavings } from './get-savings.ts';
import { getRecording } from './get-recording.ts';
import { getJobEvents } from './job-events.ts';
import { getJobs } from './list-jobs.ts';
import { openapi } from './openapi.ts';
import { postJob } from './post-job.ts';
import { dropQuarantined, getQuarantine, retryJob } from './quarantine.ts';
import { noSuchJob } from './read-view.ts';
import { postVerdict } from './post-verdict.ts';
import { webhookRoutes } from './webhooks.ts';
import { answerWithProblem, methodNotAllowed, refuseBadBytes, requireJson } from './problems.ts';

/** The job API. */
export async function startIntake(context: ServiceContext): Promise<Running> {
  const { config, environment } = context;
  const problems = badConfig(config);
  if (problems.length > 0) throw new ConfigError(environment.UPSHIFT_CONFIG, problems);
  const cells = await openCells(cellOptions(context, { failFast: true, spreads: true }));
  const signals = await listenToSignals(cells, 'ended');
  const stopping = new AbortController();
  const feed = openEventFeed(cells);
  const tools = { cells, signals, feed, stopping: stopping.signal };
  const { app } = context;
  const limit = config.intake.body_limit_bytes;
  const json = express.json({ limit, type: 'application/json', strict: false, verify: refuseBadBytes });
  app
    .route('/v1/jobs')
    .get(getJobs(tools))
    .post(onlyBulk(postJobs(tools)), requireJson, json, postJob(tools))
    .all(methodNotAllowed('GET, POST'));
  app.param('id', (_request, _response, next, id: string) => next(isJobId(id) ? undefined : noSuchJob(id)));
  app.route('/v1/jobs/:id').get(getJob(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/jobs/:id/trail').get(getTrail(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/jobs/:id/recording').get(getRecording(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/jobs/:id/events').get(getJobEvents(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/events').get(getAllEvents(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/queues').get(getQueues(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/jobs/:id/cancel').post(cancelJob(tools)).all(methodNotAllowed('POST'));
  app.route('/v1/jobs/:id/retry').post(retryJob(tools)).all(methodNotAllowed('POST'));
  app.route('/v1/jobs/:id/verdict').post(requireJson, json, postVerdict(tools)).all(methodNotAllowed('POST'));
  app.route('/v1/health/models').get(getModelHealth(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/labels').get(getLabels(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/savings').get(getSavings(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/quarantine').get(getQuarantine(tools)).all(methodNotAllowed('GET'));
  app.route('/v1/quarantine/:id').delete(dropQuarantined(tools)).all(methodNotAllowed('DELETE'));
  app.use(webhookRoutes(cells, json));
  app.use(experimentRoutes(cells, json));
  let described: ReturnType<typeof openapi> | undefined;
  app
    .route('/openapi.json')
    // Made when it is first asked for, and once: it takes some 10 ms, in which nothing else is answered.
    .get((_request, response) => void response.json((described ??= openapi())))
    .all(methodNotAllowed('GET'));
  return {
    readiness: async () => (stopping.signal.aborted ? { ready: false, reason: 'stopping' } : redisReadiness(cells)),
    afterProbes: (application) => answerWithProblem(application, context.logger),
    drain: () => stopping.abort(),
    async stop(answered) {
      await answered();
      signals.close();
      feed.close();
      await closeCells(cells);
    },
  };
}
