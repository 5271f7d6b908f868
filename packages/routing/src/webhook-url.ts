import ipaddr from 'ipaddr.js';

const PORTS = new Set(['', '443', '8443']);

/**
 * Why a webhook may not be sent to a URL, in words; null where it may. Names are looked up at each delivery, not here.
 * `allowPrivate` is for development: any address, any port, with or without TLS.
 */
export function badWebhookUrl(text: string, allowPrivate: boolean): string | null {
  if (!URL.canParse(text)) return 'is not a URL; as in https://example.com/hooks';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'must hold no user name or password';
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) return 'must begin with https://';
  if (allowPrivate) return null;
  if (!PORTS.has(url.port)) return `has port ${url.port}; allowed are 443 and 8443`;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(host) && !isPublicAddress(host) ? `names ${host}, which is no public address` : null;
}

/** Whether an IP address is one of the public internet: not private, loopback, link-local, metadata, or a way around those. */
export function isPublicAddress(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';
}
