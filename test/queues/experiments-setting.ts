import { parseExperiment } from '@upshift/contracts';
import type { Experiment, JobEvent } from '@upshift/contracts';
import { advance, createExperiment, createWebhook, readExperiment } from '@upshift/queues';
import type { ExperimentRecord } from '@upshift/queues';

import { exampleConfig, exampleModel, requestOf } from '../routing/example.ts';
import { anotherPipeline, freshPipeline } from './bed.ts';
import { stateOf } from './setting.ts';
import type { TestPipeline } from './setting.ts';

/** A model on trial, which only experiments name. */
export const NEW = 'openai/new';
export const overrides = { models: { economy: [NEW] } };
export const request = requestOf({ input: { prompt: 'Why is the sky blue?' } });

/** A new object each time: a process remembers which configurations it has stored, and Redis is emptied here. */
function newConfig() {
  return exampleConfig((file) => {
    file.models[NEW] = exampleModel('economy', 0.5, { on_trial: true });
  });
}

export function anotherWithTrial(): Promise<TestPipeline> {
  return anotherPipeline(newConfig());
}

export function freshWithTrial(): Promise<TestPipeline> {
  return freshPipeline(newConfig());
}

export function documentOf(changes: Record<string, unknown>): Experiment {
  const parsed = parseExperiment(changes);
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  return parsed.experiment;
}

/** Starts an experiment, and makes the endpoint that it may name. */
export async function start(pipeline: TestPipeline, document: Experiment): Promise<void> {
  await createWebhook(pipeline, { name: 'watcher', url: 'https://example.com/', payload: 'thin' });
  await createExperiment(pipeline, document);
}

export async function recordOf(pipeline: TestPipeline, name: string): Promise<ExperimentRecord> {
  const record = await readExperiment(pipeline, name);
  if (record === null) throw new Error(`no experiment ${name}`);
  return record;
}

/** Takes a job through events; calls are sent under the entry that it then has. */
export async function carry(pipeline: TestPipeline, id: string, ...events: JobEvent[]): Promise<void> {
  for (const event of events)
    await advance(pipeline, id, event.type === 'sent' ? { ...event, epoch: (await stateOf(pipeline, id)).epoch } : event);
}
