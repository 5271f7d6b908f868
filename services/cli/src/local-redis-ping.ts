import { connect } from 'node:net';

/** A local server accepts and answers within microseconds; this long means that it hangs. In ms. */
const ANSWER_TIMEOUT_MS = 2_000;

/** `absent` = nothing listens there; `loading` = it runs and is still reading its data; `refusing` = it runs and says why it does not work. */
export type RedisPresence = 'ready' | 'loading' | 'refusing' | 'absent';

/** Says whether a Redis answers at `unix:///path` or `redis://host:port`. Never throws. */
export async function pingRedis(url: string): Promise<RedisPresence> {
  const answer = await askRedis(url, 'PING').catch(() => '');
  if (answer.startsWith('+PONG')) return 'ready';
  if (answer.startsWith('-LOADING')) return 'loading';
  // -BUSY, or -MISCONF where it can not write its file.
  return answer.startsWith('-') ? 'refusing' : 'absent';
}

/** Sends one command whose answer is short, and returns that answer in Redis's own wire form. Rejects when nobody answers. */
export function askRedis(url: string, ...command: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(addressOf(url));
    const fail = (reason: Error): void => {
      socket.destroy();
      reject(reason);
    };
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => fail(new Error(`no answer from ${url} within ${ANSWER_TIMEOUT_MS} ms`)));
    socket.once('error', fail);
    socket.once('close', () => reject(new Error(`${url} closed the connection without an answer`)));
    socket.once('connect', () => socket.write(encode(command)));
    socket.once('data', (chunk) => {
      resolve(chunk.toString());
      socket.destroy();
    });
  });
}

function addressOf(url: string): { path: string } | { host: string; port: number } {
  const { protocol, hostname, port, pathname } = new URL(url);
  return protocol === 'unix:' ? { path: pathname } : { host: hostname, port: Number(port) };
}

function encode(words: string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}
