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

/** IPv4 within IPv6 as it was written of old, which some systems still take to the IPv4 address. */
const EMBEDDED = ipaddr.IPv6.parseCIDR('::/96');
/** Azure's server of metadata for its machines: a public address, which only they reach. */
const AZURE_METADATA = '168.63.129.16';

/** Whether an IP address is one of the public internet: not private, loopback, link-local, metadata, or a way around those. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6 ? parsed.match(EMBEDDED) : parsed.toString() === AZURE_METADATA) return false;
  return parsed.range() === 'unicast';
}
