import type { JobView } from '@upshift/contracts';

/** Longest body that a receiver is sent, in bytes: the limit that Standard Webhooks advises. */
const LONGEST_BYTES = 20_000;

/** What is told: the event, and the revision of the job that it is about. */
interface Told {
  event: string;
  revision: number;
}

/**
 * The body of a webhook, which stays the same over all tries. `full` holds the job as the API shows it, unless it is too
 * long or has been answered anew since.
 */
export function webhookBody(job: JobView, { event, revision }: Told, payload: 'thin' | 'full'): string {
  const bodyOf = (data: object): string => JSON.stringify({ type: event, timestamp: job.completed_at ?? job.created_at, data });
  const { id, route, task, metadata } = job;
  const thin = { id, revision, status: event.replace('job.', ''), route, task, metadata };
  if (payload === 'thin') return bodyOf(thin);
  const full = job.revision === revision ? bodyOf(job) : '';
  return full !== '' && Buffer.byteLength(full) <= LONGEST_BYTES ? full : bodyOf({ ...thin, truncated: true });
}
