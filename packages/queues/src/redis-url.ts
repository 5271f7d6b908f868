import { UnfitRedisError } from './unfit-redis-error.ts';

/** What a `REDIS_URL` of more than one server says. */
export interface SeveralNodes {
  nodes: { host: string; port: number }[];
  /** Of the master that sentinels watch; null for a cluster. */
  name: string | null;
  access: { tls?: object; username?: string; password?: string };
}

const DEFAULT_PORT = { cluster: 6379, sentinel: 26_379 };

/** Reads `redis+cluster://[user:password@]host:port,…` and `redis+sentinel://…/name`, `rediss+…` with TLS; null for any other. */
export function severalNodes(url: string): SeveralNodes | null {
  const parts = /^redis(s?)\+(cluster|sentinel):\/\/(?:([^:@/]*):([^@/]*)@)?([^/]+)(?:\/(.+))?$/.exec(url);
  if (parts === null) return null;
  const [, tls, kind, username, password, hosts = '', name] = parts;
  if (kind === 'sentinel' && name === undefined)
    throw new UnfitRedisError(`REDIS_URL names sentinels but no master; as in redis+sentinel://host:26379,host:26379/mymaster`);
  return {
    nodes: hosts.split(',').map((host) => nodeOf(host, DEFAULT_PORT[kind === 'cluster' ? 'cluster' : 'sentinel'])),
    name: kind === 'sentinel' ? (name ?? null) : null,
    access: {
      ...(tls ? { tls: {} } : {}),
      ...(username ? { username: decodeURIComponent(username) } : {}),
      ...(password ? { password: decodeURIComponent(password) } : {}),
    },
  };
}

function nodeOf(text: string, defaultPort: number): { host: string; port: number } {
  const at = text.lastIndexOf(':');
  const host = at === -1 ? text : text.slice(0, at);
  const port = at === -1 ? defaultPort : Number(text.slice(at + 1));
  if (host !== '' && Number.isInteger(port)) return { host, port };
  throw new UnfitRedisError(`REDIS_URL has the node ${text}; a node is host or host:port`);
}
