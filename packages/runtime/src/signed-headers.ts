import { Webhook } from 'standardwebhooks';

/**
 * The headers of Standard Webhooks. While a secret is being replaced both sign, so that a receiver may know either.
 *
 * @param id the same over all tries
 * @param at of this try
 */
export function signedHeaders(id: string, at: Date, body: string, secrets: string[]): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'Upshift-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}
