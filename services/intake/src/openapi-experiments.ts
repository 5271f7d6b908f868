import { json, name, ofBody, problems, ref } from './openapi-parts.ts';

/** A command to an experiment. */
function commandPath(command: string, summary: string, body?: string): object {
  const requestBody = body && { content: { 'application/json': { schema: ref(body) } } };
  return {
    post: {
      operationId: `${command}Experiment`,
      summary,
      parameters: [name],
      ...(requestBody ? { requestBody } : {}),
      responses: {
        200: json('The experiment with its results', 'Experiment'),
        ...problems(...ofBody, 'not_found', 'invalid_experiment', 'experiment_state', 'queue_unavailable'),
      },
    },
  };
}

export const experimentPaths = {
  '/v1/experiments': {
    get: {
      operationId: 'listExperiments',
      summary: 'All experiments, newest first',
      responses: { 200: json('The experiments', 'Experiments'), ...problems('queue_unavailable') },
    },
    post: {
      operationId: 'createExperiment',
      summary: 'Start an experiment from its document',
      requestBody: { required: true, content: { 'application/json': { schema: ref('ExperimentDocument') } } },
      responses: {
        201: json('The experiment', 'Experiment'),
        ...problems(...ofBody, 'invalid_experiment', 'experiment_exists', 'experiment_conflict', 'queue_unavailable'),
      },
    },
  },
  '/v1/experiments/{name}': {
    get: {
      operationId: 'getExperiment',
      summary: 'An experiment with its results',
      parameters: [name],
      responses: { 200: json('The experiment with its results', 'Experiment'), ...problems('not_found', 'queue_unavailable') },
    },
  },
  '/v1/experiments/{name}/pause': commandPath('pause', 'Give new jobs no arm; held answers go on waiting'),
  '/v1/experiments/{name}/resume': commandPath('resume', 'Go on after a pause'),
  '/v1/experiments/{name}/promote': commandPath(
    'promote',
    'Give all jobs to the canary, or to the arm that the body names',
    'PromoteRequest',
  ),
  '/v1/experiments/{name}/abort': commandPath('abort', 'End it; held answers are thrown away and their jobs answered anew'),
};
