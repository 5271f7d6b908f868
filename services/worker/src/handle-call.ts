import type { Attempt, UpshiftConfig } from '@upshift/contracts';
import { configOf, done, putBack } from '@upshift/queues';
import type { Outcome, StepContext } from '@upshift/queues';
import { callsOfStep } from '@upshift/routing';

import { notNeeded, unknownOutcome } from './call-errors.ts';
import { withHedge } from './hedge.ts';
import type { MakeCall } from './hedge.ts';
import { makeCall } from './make-call.ts';
import type { Tools } from './make-call.ts';

/** Calls the model of an attempt: marked as sent before, settled after, so that no crash pays twice blindly. */
export async function handleCall(tools: Tools, context: StepContext<'call'>): Promise<Outcome> {
  const { pipeline, job, step, signal } = context;
  const attempt = job.attempts[step.attempt - 1];
  if (attempt === undefined) return { kind: 'discard', reason: `the job has no attempt ${step.attempt}` };
  if (attempt.state !== 'claimed') return lost(context);
  const config = await configOf(pipeline, job.configVersion);
  // Under the signal before it is marked as sent: a cancellation between the two would not reach it otherwise.
  return tools.calls.run(job.id, signal, (stop) => callOrHedge(tools, context, attempt, config, stop));
}

/** Makes the call of a step; where the route wants it, and that call is slow, a second one beside it. */
async function callOrHedge(
  tools: Tools,
  context: StepContext<'call'>,
  attempt: Attempt,
  config: UpshiftConfig,
  stop: AbortSignal,
): Promise<Outcome> {
  let outcome = done;
  const make: MakeCall = async (first, until, onSent) => {
    const made = await makeCall({ tools, context, config, attempt: first, stop: until, onSent });
    if (made === 'put-back') outcome = putBack;
    return made === 'put-back' ? null : made;
  };
  const makeHedge: MakeCall = async (hedge, until) => {
    const made = await makeCall({ tools, context, config, attempt: hedge, stop: until });
    if (made !== null && made !== 'put-back') return made;
    const { number, model } = hedge;
    await context.advance({ type: 'place-denied', attempt: number, epoch: context.job.epoch, error: notNeeded(model) });
    return null;
  };
  const wanted = config.routes[context.job.route]?.hedge === true && attempt.purpose === 'answer';
  const afterMs = wanted ? tools.durations.slowAfterMs(attempt.model) : null;
  if (afterMs === null) await make(attempt, stop);
  else await withHedge(context, attempt, afterMs, stop, make, makeHedge);
  return outcome;
}

/** The entry came back although its call was sent: its worker died, and what became of that call, and of a hedge beside it, is not known. */
async function lost({ job, step, advance }: StepContext<'call'>): Promise<Outcome> {
  for (const { number, model, state, sentAt } of callsOfStep(job, step.attempt)) {
    const times = { waitMs: 0, modelMs: sentAt === null ? 0 : Date.now() - sentAt };
    if (state === 'sent') await advance({ type: 'call-failed', attempt: number, error: unknownOutcome(model), times });
    if (state === 'claimed') await advance({ type: 'place-denied', attempt: number, epoch: job.epoch, error: notNeeded(model) });
  }
  return done;
}
