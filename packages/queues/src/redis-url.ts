import { UnfitRedisError } from './unfit-redis-error.ts';

/** What a `REDIS_URL` of more than one server says. */
interface SeveralNodes {
  nodes: { host: string; port: number }[];
  /** Of the master that sentinels watch; null for a cluster. */
  name: string | null;
  access: { tls?: object; username?: string; password?: string };
  /** How the sentinels themselves are entered. */
  sentinelAccess: { sentinelUsername?: string; sentinelPassword?: string };
}

const DEFAULT_PORT = { cluster: 6379, sentinel: 26_379 };

/** What a user's name and password may hold: all up to the last `@`, so that no piece of a password is taken for a host, and told as one. */
const URL_PARTS = /^redis(s?)\+(cluster|sentinel):\/\/(?:(.*)@)?([^/?@]*)(?:\/([^?@]*))?(?:\?([^@]*))?$/;

/**
 * Reads `redis+cluster://[user:password@]host:port,…` and `redis+sentinel://…/name[?sentinel_username=…&sentinel_password=…]`, `rediss+…` with TLS;
 * null for any other.
 */
export function severalNodes(url: string): SeveralNodes | null {
  const parts = URL_PARTS.exec(url);
  if (parts === null) return null;
  const [, tls, kind, access, hosts = '', name = '', query = ''] = parts;
  // An @ in a sentinel's password: what follows would be taken for a host, and told as one.
  if (access?.includes('?sentinel_')) throw unreadable();
  if (kind === 'sentinel' && name === '')
    throw new UnfitRedisError(`REDIS_URL names sentinels but no master; as in redis+sentinel://host:26379,host:26379/mymaster`);
  return {
    nodes: hosts.split(',').map((host) => nodeOf(host, DEFAULT_PORT[kind === 'cluster' ? 'cluster' : 'sentinel'])),
    name: kind === 'sentinel' ? name : null,
    access: { ...(tls ? { tls: {} } : {}), ...(access === undefined ? {} : accessOf(access)) },
    sentinelAccess: sentinelAccessOf(query, kind === 'sentinel'),
  };
}

/** The same for people: whatever stands before the host is left out, and what stands behind a question mark. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/.*@/, '//').replace(/\?.*/, '');
}

/** Of a `REDIS_URL` whose text is not told, because it holds a password. */
export const unreadable = (): UnfitRedisError =>
  new UnfitRedisError(
    'REDIS_URL can not be read: write it as in redis://user:password@host:6379, and in a password %40 for @, %2F for /, %3A for :, %25 for %',
  );

function accessOf(text: string): SeveralNodes['access'] {
  const [, username, password] = /^([^:]*):(.*)$/.exec(text) ?? [];
  if (username === undefined || password === undefined) throw unreadable();
  try {
    return {
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
    };
  } catch {
    throw unreadable();
  }
}

const SENTINEL_ACCESS = new Map([
  ['sentinel_username', 'sentinelUsername'],
  ['sentinel_password', 'sentinelPassword'],
]);

function sentinelAccessOf(query: string, isSentinel: boolean): SeveralNodes['sentinelAccess'] {
  const pairs = [...new URLSearchParams(query.replaceAll('+', '%2B'))].map(([name, value]) => {
    const option = isSentinel ? SENTINEL_ACCESS.get(name) : undefined;
    if (option !== undefined) return [option, value];
    const known = isSentinel ? `known: ${[...SENTINEL_ACCESS.keys()].join(', ')}` : 'a cluster takes none';
    throw new UnfitRedisError(`REDIS_URL has the parameter ${name}, which is not known here; ${known}`);
  });
  return Object.fromEntries(pairs) as SeveralNodes['sentinelAccess'];
}

/** An address of IPv6 stands in brackets, which are no part of it. */
function nodeOf(text: string, defaultPort: number): SeveralNodes['nodes'][number] {
  const [, address, name, port] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = address ?? name;
  if (host !== undefined) return { host, port: port === undefined ? defaultPort : Number(port) };
  throw new UnfitRedisError(
    `REDIS_URL has the node ${text}; a node is host or host:port, and an address of IPv6 stands in brackets`,
  );
}
