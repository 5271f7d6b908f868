import {
  changeDelivery,
  disableWebhook,
  experimentBody,
  isSameEndpoint,
  outsideOf,
  readDelivery,
  readView,
  readWebhook,
} from '@upshift/queues';
import type { Delivery, DeliveryOutcome, DeliveryPayload, Pipeline, Webhook } from '@upshift/queues';
import { afterDelivery, webhookBody } from '@upshift/routing';
import type { DeliveryDecision } from '@upshift/routing';
import { annotate, postOutside } from '@upshift/runtime';
import type { OutsideAnswer } from '@upshift/runtime';

/** One try to tell an endpoint of a job's end, with its line in the log. */
export async function handleDelivery(pipeline: Pipeline, told: DeliveryPayload, triesBefore: number): Promise<DeliveryOutcome> {
  const [delivery, webhook] = await Promise.all([readDelivery(pipeline, told), readWebhook(pipeline, told.webhook)]);
  if (delivery.status === 'delivered' && told.redelivery <= delivery.redeliveries) return { kind: 'done' };
  if (webhook === null) return dropped(pipeline);
  if (!webhook.enabled) return skip(pipeline, told, webhook.disabled_reason ?? 'the webhook is disabled');
  const body = bodyFor(webhook, delivery) ?? (await bodyOf(pipeline, told, webhook));
  if (body === null) return skip(pipeline, told, 'the job is gone');
  const sent = await sendTo(pipeline, webhook, delivery.id, body);
  const decision = afterDelivery(sent, triesBefore, pipeline.config.webhooks.retry_after_s, Math.random());
  annotate({ 'http.response.status_code': sent.status, 'upshift.delivery.outcome': decision.kind });
  await record(pipeline, told, { id: delivery.id, webhook, body }, sent, decision);
  return outcomeOf(pipeline, told, decision);
}

/** What an endpoint was sent before. What is for one that had its name before may be more than it asked for. */
function bodyFor({ created_at }: Webhook, { body, endpointCreatedAt = created_at }: Delivery): string | null {
  return endpointCreatedAt === created_at ? body : null;
}

async function bodyOf(pipeline: Pipeline, told: DeliveryPayload, { payload }: Webhook): Promise<string | null> {
  if (told.event.startsWith('experiment.')) return experimentBody(pipeline, told);
  const view = await readView(pipeline, told.job);
  return view === null ? null : webhookBody(view, told, payload);
}

/** The webhook is deleted, and its log with it. */
function dropped(pipeline: Pipeline): DeliveryOutcome {
  pipeline.metrics.webhookDeliveries.inc({ outcome: 'disabled' });
  return { kind: 'done' };
}

async function skip(pipeline: Pipeline, told: DeliveryPayload, reason: string): Promise<DeliveryOutcome> {
  const attempt = { at: new Date().toISOString(), status: null, error: `not sent: ${reason}`, duration_ms: 0 };
  await changeDelivery(pipeline, told, (line) => afterTry(line, told, attempt, 'disabled', null));
  pipeline.metrics.webhookDeliveries.inc({ outcome: 'disabled' });
  return { kind: 'done' };
}

/** The address is checked anew at each try: the rules or the name's addresses may have changed. */
async function sendTo({ config }: Pipeline, webhook: Webhook, id: string, body: string): Promise<OutsideAnswer> {
  const outside = outsideOf(config, webhook);
  if ('refused' in outside) return { status: null, retryAfterMs: null, body: '', error: outside.refused, durationMs: 0 };
  return postOutside(outside, id, body, { timeoutMs: config.webhooks.timeout_s * 1000, mostBytes: 0 });
}

const statusOf = { delivered: 'delivered', retry: 'pending', failed: 'failed', disable: 'disabled' } as const;

async function record(
  pipeline: Pipeline,
  told: DeliveryPayload,
  { id, webhook, body }: { id: string; webhook: Webhook; body: string },
  sent: OutsideAnswer,
  decision: DeliveryDecision,
): Promise<void> {
  const now = Date.now();
  const next = decision.kind === 'retry' ? new Date(now + decision.delayMs).toISOString() : null;
  const startedAt = new Date(now - sent.durationMs).toISOString();
  const attempt = { at: startedAt, status: sent.status, error: sent.error, duration_ms: sent.durationMs };
  pipeline.logger.info({ webhook: told.webhook, delivery: id, status: sent.status, decision: decision.kind }, 'delivery');
  if (decision.kind === 'disable') await disableWebhook(pipeline, webhook, decision.reason);
  // Deleted during the try, perhaps with another one in its place: that one's log knows nothing of it.
  if (!isSameEndpoint(webhook, await readWebhook(pipeline, told.webhook))) return;
  const sentTo = { body, endpointCreatedAt: webhook.created_at };
  await changeDelivery(pipeline, told, (line) => afterTry({ ...line, ...sentTo }, told, attempt, statusOf[decision.kind], next));
}

/** The log line with one more try. What became of a delivery that was asked for later is not undone by one that was not delivered. */
function afterTry(
  line: Delivery,
  { redelivery }: DeliveryPayload,
  attempt: Delivery['attempts'][number],
  status: Delivery['status'],
  next: string | null,
): Delivery {
  const tried = { ...line, attempts: [...line.attempts, attempt] };
  const overtaken = redelivery < line.redeliveries;
  if (overtaken && status !== 'delivered') return tried;
  return { ...tried, status, next_attempt_at: next, redeliveries: Math.max(redelivery, line.redeliveries) };
}

async function outcomeOf(pipeline: Pipeline, told: DeliveryPayload, decision: DeliveryDecision): Promise<DeliveryOutcome> {
  pipeline.metrics.webhookDeliveries.inc({ outcome: decision.kind });
  if (decision.kind === 'retry' || decision.kind === 'failed') return decision;
  if (decision.kind === 'delivered' && told.redelivery === 0) {
    const completedAt = (await readView(pipeline, told.job))?.completed_at;
    if (completedAt) pipeline.metrics.webhookLagSeconds.observe((Date.now() - Date.parse(completedAt)) / 1000);
  }
  return { kind: 'done' };
}
