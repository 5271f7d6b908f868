import { UnfitRedisError } from './unfit-redis-error.ts';

/** What a `REDIS_URL` of more than one server says. */
export interface SeveralNodes {
  nodes: { host: string; port: number }[];
  /** Of the master that sentinels watch; null for a cluster. */
  name: string | null;
  access: { tls?: object; username?: string; password?: string };
}

const DEFAULT_PORT = { cluster: 6379, sentinel: 26_379 };

/** What a user's name and password may hold: all up to the last `@`, so that no piece of a password is taken for a host, and told as one. */
const URL_PARTS = /^redis(s?)\+(cluster|sentinel):\/\/(?:(.*)@)?([^/@]*)(?:\/([^@]*))?$/;

/** Reads `redis+cluster://[user:password@]host:port,…` and `redis+sentinel://…/name`, `rediss+…` with TLS; null for any other. */
export function severalNodes(url: string): SeveralNodes | null {
  const parts = URL_PARTS.exec(url);
  if (parts === null) return null;
  const [, tls, kind, access, hosts = '', name = ''] = parts;
  if (kind === 'sentinel' && name === '')
    throw new UnfitRedisError(`REDIS_URL names sentinels but no master; as in redis+sentinel://host:26379,host:26379/mymaster`);
  return {
    nodes: hosts.split(',').map((host) => nodeOf(host, DEFAULT_PORT[kind === 'cluster' ? 'cluster' : 'sentinel'])),
    name: kind === 'sentinel' ? name : null,
    access: { ...(tls ? { tls: {} } : {}), ...(access === undefined ? {} : accessOf(access)) },
  };
}

/** The same for people: whatever stands before the host is left out. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/.*@/, '//');
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

/** An address of IPv6 stands in brackets, which are no part of it. */
function nodeOf(text: string, defaultPort: number): SeveralNodes['nodes'][number] {
  const [, address, name, port] = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/i.exec(text) ?? [];
  const host = address ?? name;
  if (host !== undefined) return { host, port: port === undefined ? defaultPort : Number(port) };
  throw new UnfitRedisError(
    `REDIS_URL has the node ${text}; a node is host or host:port, and an address of IPv6 stands in brackets`,
  );
}
