import type { Classification, UpshiftConfig } from '@upshift/contracts';
import { configOf, done, readAnswer, seenField } from '@upshift/queues';
import type { Outcome, StepContext } from '@upshift/queues';
import {
  classified,
  classifierToAsk,
  classifierTypeOf,
  classifyCalls,
  instead,
  promptFactsOf,
  readClassification,
} from '@upshift/routing';
import { annotate } from '@upshift/runtime';

import { askService } from './ask-service.ts';

/** Classifies a prompt; where a model is to be asked first, the step ends and comes back with its answer. */
export async function handleClassify(context: StepContext<'classify'>): Promise<Outcome> {
  const { pipeline, job, request } = context;
  const config = await configOf(pipeline, job.configVersion);
  const { own, seen } = classified(config, classifierTypeOf(config, job.route), promptFactsOf(request));
  const classification = await askedOr(context, config, own);
  if (classification === 'waiting') return done;
  annotate({ 'upshift.complexity': classification.complexity });
  await context.advance({ type: 'classified', classification }, seenField(config, seen));
  return done;
}

/** The classification of the one who is to be asked, or this process's own. */
async function askedOr(
  context: StepContext<'classify'>,
  config: UpshiftConfig,
  own: Classification,
): Promise<Classification | 'waiting'> {
  switch (classifierToAsk(config, context.job, own)) {
    case null:
      return own;
    case 'llm':
      return askModel(context, own);
    case 'http':
      return askService(context, config, own);
  }
}

/** Once: what comes of the one call is what counts. */
async function askModel(
  { pipeline, job, advance }: StepContext<'classify'>,
  own: Classification,
): Promise<Classification | 'waiting'> {
  const [call] = classifyCalls(job);
  if (call === undefined) {
    const advanced = await advance({ type: 'classify-requested' });
    return advanced?.job.step?.kind === 'classify' ? instead(own, 'no model could be asked') : 'waiting';
  }
  const reply = call.outcome === 'answered' ? await readAnswer(pipeline, job.id, call.number) : null;
  if (reply === null) return instead(own, `${call.model} gave no answer in time`);
  return readClassification(reply.text, call.model) ?? instead(own, `what ${call.model} answered can not be read`);
}
