import type { DeliveryView, WebhookView } from '@upshift/contracts';

import { pathTo } from '../api.ts';
import type { Api } from '../api.ts';
import { CommandError, exitCode } from '../exit-code.ts';
import { show } from '../print.ts';
import { table } from '../table.ts';

const at = (name: string, rest = ''): string => `${pathTo('webhooks', name)}${rest}`;

export async function listWebhooks(api: Api, json: boolean): Promise<number> {
  const { data } = await api.get<{ data: WebhookView[] }>('/v1/webhooks');
  const rows = data.map(({ name, url, payload, disabled_reason: reason }) => [name, url, payload, reason ?? 'enabled']);
  return show(json, data, table(['name', 'URL', 'payload', 'state'], rows));
}

export async function showWebhook(api: Api, name: string, json: boolean): Promise<number> {
  const webhook = await api.get<WebhookView>(at(name));
  const fields = Object.entries(webhook).map(([field, value]) => [field, value === null ? '' : String(value)]);
  const width = Math.max(...fields.map(([field = '']) => field.length));
  return show(
    json,
    webhook,
    fields.map(([field = '', value]) => `${field.padEnd(width)}  ${value}`.trimEnd()),
  );
}

export async function createWebhook(api: Api, name: string, url: string, full: boolean, json: boolean): Promise<number> {
  const made = await api.post<WebhookView & { secret: string }>('/v1/webhooks', { name, url, payload: full ? 'full' : 'thin' });
  return show(json, made, [`Webhook ${made.name} → ${made.url}`, `Its secret, shown this once: ${made.secret}`]);
}

export async function rotateWebhook(api: Api, name: string, json: boolean): Promise<number> {
  const made = await api.post<WebhookView & { secret: string }>(at(name, '/rotate'));
  return show(json, made, [`The new secret, shown this once: ${made.secret}`, 'The old one signs too for 24 hours.']);
}

export async function enableWebhook(api: Api, name: string, json: boolean): Promise<number> {
  return show(json, await api.post<WebhookView>(at(name, '/enable')), [`Webhook ${name} is enabled.`]);
}

export async function deleteWebhook(api: Api, name: string): Promise<number> {
  await api.delete(at(name));
  return show(false, null, [`Webhook ${name} is deleted.`]);
}

export async function deliveries(api: Api, name: string, json: boolean): Promise<number> {
  const { data } = await api.get<{ data: DeliveryView[] }>(at(name, '/deliveries?limit=100'));
  const rows = data.map(({ job, event, status, attempts, next_attempt_at: next }) => {
    const last = attempts.at(-1);
    return [job, event, status, attempts.length, last?.error ?? String(last?.status ?? ''), next ?? ''];
  });
  return show(json, data, table(['job', 'event', 'status', 'tries', 'last answer', 'next try'], rows));
}

/** Sends again: one job's, or all that were not delivered. */
export async function redeliver(
  api: Api,
  name: string,
  options: { job?: string; failed: boolean },
  json: boolean,
): Promise<number> {
  if ((options.job === undefined) === !options.failed) {
    throw new CommandError('Say what to send again: --job ID, or --failed for all that were not delivered.', exitCode.refused);
  }
  const body = options.job === undefined ? { status: 'failed' } : { job: options.job };
  const { redelivered } = await api.post<{ redelivered: number }>(at(name, '/redeliver'), body);
  return show(json, { redelivered }, [`Deliveries on their way again: ${redelivered}.`]);
}
