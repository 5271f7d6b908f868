import { randomBytes } from 'node:crypto';

import type { UpshiftConfig, WebhookRequest, WebhookView } from '@upshift/contracts';
import { ProblemError } from '@upshift/contracts';
import { badWebhookUrl, isPublicAddress } from '@upshift/routing';
import type { Outside } from '@upshift/runtime';

import type { Cells } from './cells/cells.ts';
import { forgetDeliveries } from './deliveries.ts';
import { repliesOf } from './indexes.ts';
import { globalKeys } from './names.ts';
import type { Connection } from './pipeline.ts';

/** An endpoint as it is stored: what the API shows, and the secrets that sign now, newest first. */
export interface Webhook extends WebhookView {
  secrets: { secret: string; untilMs: number | null }[];
}

/** An endpoint with its secret: what is shown once. */
export type WebhookWithSecret = WebhookView & { secret: string };

/** How long a secret that has been replaced still signs beside the new one. */
const OVERLAP_MS = 24 * 3_600_000;
/** Secrets that sign at once: each makes the header of every request longer. */
const MOST_SECRETS = 5;
const SECRET_BYTES = 32;

/** Standard Webhooks: `whsec_` and the base64 of 24 to 64 random bytes. */
function newSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** A connection that broke off may send it twice: what is there already was made by it then, as the secret tells. */
const createScript = `
if redis.call('SADD', KEYS[1], ARGV[1]) == 0 then return redis.call('GET', KEYS[2]) == ARGV[2] and 1 or 0 end
redis.call('SET', KEYS[2], ARGV[2])
return 1`;

/** Throws a `ProblemError` where the name is taken. */
export async function createWebhook(connection: Connection, { name, url, payload }: WebhookRequest): Promise<WebhookWithSecret> {
  const secret = newSecret();
  const webhook: Webhook = {
    name,
    url,
    payload,
    enabled: true,
    disabled_reason: null,
    created_at: new Date().toISOString(),
    rotated_at: null,
    secrets: [{ secret, untilMs: null }],
  };
  const created = await connection.redis.eval(
    createScript,
    2,
    globalKeys.webhooks,
    globalKeys.webhook(name),
    name,
    JSON.stringify(webhook),
  );
  if (created === 1) return { ...withoutSecrets(webhook), secret };
  throw new ProblemError('webhook_exists', `there is a webhook ${name} already; delete it first, or choose another name`);
}

export async function readWebhook({ redis }: Connection, name: string): Promise<Webhook | null> {
  const stored = await redis.get(globalKeys.webhook(name));
  return stored === null ? null : (JSON.parse(stored) as Webhook);
}

/** All endpoints by name, without their secrets. */
export async function listWebhooks(connection: Connection): Promise<WebhookView[]> {
  const names = (await connection.redis.smembers(globalKeys.webhooks)).toSorted();
  const all = await Promise.all(names.map((name) => readWebhook(connection, name)));
  return all.flatMap((webhook) => (webhook === null ? [] : [withoutSecrets(webhook)]));
}

/** A new secret; each one before it signs too for a day from when it was replaced. Null where there is no such endpoint. */
export async function rotateWebhook(connection: Connection, name: string): Promise<WebhookWithSecret | null> {
  const secret = newSecret();
  const now = Date.now();
  const rotated = await change(connection, name, (webhook) => ({
    ...webhook,
    rotated_at: new Date(now).toISOString(),
    secrets: [
      { secret, untilMs: null },
      ...holdingAt(webhook, now).map((old) => ({ ...old, untilMs: old.untilMs ?? now + OVERLAP_MS })),
    ].slice(0, MOST_SECRETS),
  }));
  return rotated === null ? null : { ...withoutSecrets(rotated), secret };
}

/** Lets an endpoint be told again. Null where there is none. */
export async function enableWebhook(connection: Connection, name: string): Promise<WebhookView | null> {
  const changed = await change(connection, name, (webhook) => ({ ...webhook, enabled: true, disabled_reason: null }));
  return changed === null ? null : withoutSecrets(changed);
}

/** Lets an endpoint be told no more. One that has been made under its name since stays as it is. */
export async function disableWebhook(connection: Connection, read: Webhook, reason: string): Promise<void> {
  await change(connection, read.name, (webhook) =>
    isSameEndpoint(read, webhook) ? { ...webhook, enabled: false, disabled_reason: reason } : webhook,
  );
}

/** Whether an endpoint is still the one that was read, and not another one that was given its name. */
export function isSameEndpoint(read: Webhook, now: Webhook | null): boolean {
  return read.created_at === now?.created_at;
}

/** Removes an endpoint and its log. Returns whether there was one. */
export async function deleteWebhook(cells: Cells, name: string): Promise<boolean> {
  // In one step: an endpoint that is made under its name between the two would lose its record and keep the name.
  const removal = cells.redis.multi().srem(globalKeys.webhooks, name).del(globalKeys.webhook(name));
  const [removed = 0] = await repliesOf<number>(removal);
  await forgetDeliveries(cells, name);
  return removed > 0;
}

/** The secrets that sign at a time, newest first. */
function holdingAt({ secrets }: Webhook, now: number): Webhook['secrets'] {
  return secrets.filter(({ untilMs }) => untilMs === null || untilMs > now);
}

/** An endpoint as a server that can be posted to; `refused` says why it may not be. Its name is looked up, and checked, at each call. */
export function outsideOf({ webhooks }: UpshiftConfig, webhook: Webhook): Outside | { refused: string } {
  const { allow_private_addresses: allowPrivate } = webhooks;
  const bad = badWebhookUrl(webhook.url, allowPrivate);
  if (bad !== null) return { refused: `the URL ${bad}` };
  const mayReach = allowPrivate ? () => true : isPublicAddress;
  return { url: new URL(webhook.url), mayReach, secrets: holdingAt(webhook, Date.now()).map(({ secret }) => secret) };
}

/** The server of an endpoint that is to be asked something, or why it can not be. */
export async function readOutside(pipeline: Connection, name: string): Promise<Outside | { refused: string }> {
  const webhook = await readWebhook(pipeline, name);
  if (webhook === null) return { refused: `there is no webhook ${name}` };
  return webhook.enabled ? outsideOf(pipeline.config, webhook) : { refused: `the webhook ${name} is off` };
}

export function withoutSecrets({ secrets: _secrets, ...view }: Webhook): WebhookView {
  return view;
}

/** Sent twice, it finds what it has written. */
const replaceScript = `
local stored = redis.call('GET', KEYS[1])
if stored ~= ARGV[1] then return stored == ARGV[2] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`;

/** Changes an endpoint as it is then: where somebody else was faster, once more. */
async function change({ redis }: Connection, name: string, to: (webhook: Webhook) => Webhook): Promise<Webhook | null> {
  for (;;) {
    const stored = await redis.get(globalKeys.webhook(name));
    if (stored === null) return null;
    const changed = to(JSON.parse(stored) as Webhook);
    if ((await redis.eval(replaceScript, 1, globalKeys.webhook(name), stored, JSON.stringify(changed))) === 1) return changed;
  }
}
