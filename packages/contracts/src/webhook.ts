import { z } from 'zod';

import { webhookName } from './names.ts';

/** What an endpoint is sent: ids and status, or the job with its answer. Thin keeps answers out of strangers' logs. */
const payload = z.enum(['thin', 'full']);

/** The body of `POST /v1/webhooks`. */
export const webhookRequest = z.strictObject({ name: webhookName, url: z.string().max(2000), payload: payload.default('thin') });
export type WebhookRequest = z.infer<typeof webhookRequest>;

/** A job's id or an experiment's is shorter. It is looked for under a thousand names: one of a megabyte would take all memory. */
const LONGEST_SUBJECT = 100;

/** The body of `POST /v1/webhooks/{name}/redeliver`: one job's, or all that were not delivered. */
export const redeliverRequest = z.union(
  [z.strictObject({ job: z.string().max(LONGEST_SUBJECT) }), z.strictObject({ status: z.literal('failed') })],
  'must be {"job": "job_…"} or {"status": "failed"}',
);

/** An endpoint as the API shows it. Its secret is shown once, when it is made. */
export const webhookView = z.object({
  name: z.string(),
  url: z.string(),
  payload,
  enabled: z.boolean(),
  disabled_reason: z.string().nullable(),
  created_at: z.iso.datetime(),
  rotated_at: z.iso.datetime().nullable(),
});
export type WebhookView = z.infer<typeof webhookView>;

/** One try to deliver. `status` is the receiver's; null where there was no answer, and `error` says why. */
const deliveryAttempt = z.object({
  at: z.iso.datetime(),
  status: z.int().nullable(),
  error: z.string().nullable(),
  duration_ms: z.number(),
});

/** What an endpoint was told of a job's end, and how that went. The id is the `webhook-id` of every try. */
export const deliveryView = z.object({
  id: z.string(),
  job: z.string(),
  event: z.string(),
  status: z.enum(['pending', 'delivered', 'failed', 'disabled']),
  attempts: z.array(deliveryAttempt),
  next_attempt_at: z.iso.datetime().nullable(),
});
export type DeliveryView = z.infer<typeof deliveryView>;
