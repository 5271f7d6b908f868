import type { JobState, Step } from '@upshift/contracts';
import { Job } from 'bullmq';

import { deliveryOptions, entryOptions, optionsText, queuePriority, shadowPriority } from './catalogue.ts';
import type { DeliveryPayload } from './catalogue.ts';
import type { Entry, QueueEntry } from './entry.ts';
import { CLASSIFY_QUEUE, DELIVER_QUEUE, deliveryEntryId, entryId, modelQueue, SCORE_QUEUE } from './names.ts';
import { queueOf } from './pipeline.ts';
import type { Pipeline } from './pipeline.ts';

/** The queue on which a step of a job waits. */
export function queueNameOf(job: JobState, step: Step): string {
  if (step.kind === 'classify') return CLASSIFY_QUEUE;
  if (step.kind === 'score') return SCORE_QUEUE;
  const attempt = job.attempts[step.attempt - 1];
  if (attempt === undefined) throw new Error(`job ${job.id} has no attempt ${step.attempt}`);
  return modelQueue(attempt.tier, attempt.model);
}

export function stepEntry(job: JobState, step: Step, delayMs: number): Entry {
  return {
    queue: queueNameOf(job, step),
    id: entryId(job, step),
    name: step.kind,
    data: { job: job.id, epoch: job.epoch },
    options: {
      ...entryOptions,
      delay: delayMs,
      priority: priorityOf(job, step),
    },
  };
}

/** Calls that classify go first: they are short, and their jobs have not begun. */
function priorityOf(job: JobState, step: Step): number {
  if (job.experiments?.shadowOf) return shadowPriority;
  const classifies = step.kind === 'call' && job.attempts[step.attempt - 1]?.purpose === 'classify';
  return classifies ? queuePriority.high : queuePriority[job.priority];
}

/** The events that an endpoint can be told of, by the status that a job ended with. */
const deliveryEvents = {
  completed: 'job.completed',
  failed: 'job.failed',
  cancelled: 'job.cancelled',
  expired: 'job.expired',
} as const;

/** Tells an endpoint that a job has ended. */
export function deliveryEntry(data: DeliveryPayload): Entry {
  return { queue: DELIVER_QUEUE, id: deliveryEntryId(data), name: data.event, data, options: deliveryOptions };
}

/** The event of a job's end. Throws where it has not ended. */
export function deliveryEventOf({ id, status }: Pick<JobState, 'id' | 'status'>): DeliveryPayload['event'] {
  if (status in deliveryEvents) return deliveryEvents[status as keyof typeof deliveryEvents];
  throw new Error(`job ${id} has not ended: there is nothing to deliver`);
}

/** An entry in the form in which BullMQ would store it, without the id, which is its key. */
export async function queueEntryOf(pipeline: Pipeline, entry: Entry): Promise<QueueEntry> {
  const { queue, id, name, data, options } = entry;
  const { delay = 0, priority = 0 } = options;
  return {
    queue,
    id,
    name,
    data: JSON.stringify(data),
    options: optionsText(options),
    priority,
    delayed: delay > 0 ? await delayedArguments(pipeline, entry) : null,
  };
}

/** What BullMQ's own code would send to Redis, caught before it is sent. */
async function delayedArguments(pipeline: Pipeline, entry: Entry): Promise<NonNullable<QueueEntry['delayed']>> {
  const { queue, id, name, data, options } = entry;
  const job = new Job(queueOf(pipeline, queue), name, data, { ...options, jobId: id }, id);
  const caught: { command: string; args: (string | Buffer)[] }[] = [];
  const catcher = {
    runCommand(command: string, args: (string | Buffer)[]): string {
      caught.push({ command, args });
      return id;
    },
  };
  await job.addJob(catcher as never);
  const [sent] = caught;
  if (sent === undefined || !sent.command.startsWith('addDelayedJob:'))
    throw new Error(`BullMQ adds delayed entries by ${sent?.command ?? 'nothing'}, which the transition script does not know`);
  return { keys: sent.args.slice(0, DELAYED_KEYS).map(String), arguments: sent.args.slice(DELAYED_KEYS) };
}

/** Keys that BullMQ's script for delayed entries takes. */
const DELAYED_KEYS = 6;
