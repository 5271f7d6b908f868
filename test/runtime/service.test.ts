import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import { expect, test } from 'vitest';

/** Runs a service in a process of its own; `stop` is the source of how it stops. */
function service(stop: string, environment: Record<string, string> = {}): ChildProcess {
  const program = `
    const { runService } = await import('@upshift/runtime');
    await runService('test', async ({ logger }) => ({
      readiness: async () => ({ ready: true, reason: '' }),
      stop: ${stop},
    }));
  `;
  return spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    env: { ...process.env, UPSHIFT_CONFIG: join(import.meta.dirname, '../../upshift.config.yaml'), ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}

/** What it logs after `word`, which is waited for. */
async function logged(lines: AsyncIterator<string>, word: string): Promise<void> {
  for (let line = await lines.next(); !line.value?.includes(word); line = await lines.next())
    if (line.done) throw new Error(`it ended without ${word}`);
}

function linesOf(child: ChildProcess): AsyncIterator<string> {
  return createInterface({ input: child.stderr! })[Symbol.asyncIterator]();
}

/** Longer than a process that is told to end at once still lives. */
const LAST_CALL = `async () => { await new Promise((resolve) => setTimeout(resolve, 400)); logger.info('finished'); }`;

test('a signal that follows another at once, or the end of its supervisor, is no second one: calls finish', async () => {
  const child = service(LAST_CALL);
  const lines = linesOf(child);
  await logged(lines, '"ready"');
  child.kill('SIGTERM');
  await logged(lines, '"stopping"');
  child.kill('SIGINT');
  child.disconnect();
  await logged(lines, '"finished"');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('one whose supervisor ends while it starts stops in order too', async () => {
  const child = service(LAST_CALL);
  child.disconnect();
  const [said, exited] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  expect(exited).toEqual([0, null]);
  expect(said).toContain('"finished"');
});

test('a second signal ends it at once', async () => {
  const child = service('() => new Promise(() => undefined)');
  const exited = once(child, 'exit');
  await logged(linesOf(child), '"ready"');
  const again = setInterval(() => child.kill('SIGTERM'), 100);
  expect(await exited).toEqual([130, null]);
  clearInterval(again);
});

test('one that can not stop in order says why and ends with 1', async () => {
  const child = service(`async () => { throw new Error('Redis is gone'); }`);
  const lines = linesOf(child);
  await logged(lines, '"ready"');
  child.kill('SIGTERM');
  await logged(lines, '"reason":"Redis is gone","msg":"could not stop in order"');
  expect(await once(child, 'exit')).toEqual([1, null]);
});

test('one that does not stop in time says so before it ends', async () => {
  const child = service('() => new Promise(() => undefined)', { SHUTDOWN_GRACE_S: '0.1' });
  const lines = linesOf(child);
  await logged(lines, '"ready"');
  child.kill('SIGTERM');
  await logged(lines, '"msg":"did not stop in time');
  expect(await once(child, 'exit')).toEqual([1, null]);
});

test('an address that is none of this machine is named', async () => {
  const child = service('async () => undefined', { HOST: '203.0.113.1' });
  const [said, exited] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  expect(exited).toEqual([1, null]);
  expect(said).toMatch(/HOST=203\.0\.113\.1 can not be used:\n {2}- is no address of this machine/);
  expect(said).not.toContain('    at ');
});

test('where its port is taken, what it has begun by then is stopped in order', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const child = service(LAST_CALL, { HOST: '127.0.0.1', PORT: String(port) });
  const [said, exited] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  other.close();
  expect(exited).toEqual([1, null]);
  expect(said).toMatch(/PORT=\d+ can not be used:\n {2}- the port is taken/);
  expect(said).toContain('"finished"');
});

test('it takes no new work as soon as it is told to stop, though a connection stands open on which nobody has asked anything', async () => {
  const child = service(`async (answered) => {
    let when = 'at once';
    void answered().then(() => (when = 'late'));
    await new Promise(setImmediate);
    logger.info('takes no more, ' + when);
  }`);
  const lines = linesOf(child);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  // Connections are taken in their order: once this one is answered, the silent one is open on the other side too.
  await (await fetch(`http://127.0.0.1:${port}/livez`)).text();
  child.kill('SIGTERM');
  await logged(lines, '"takes no more, at once"');
  silent.destroy();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('one that finishes what it has in hand tells its figures until it ends: what is paid for meanwhile counts', async () => {
  const child = service(`() => new Promise((resolve) => { process.once('message', resolve); logger.info('finishing'); })`);
  const lines = linesOf(child);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  child.kill('SIGTERM');
  await logged(lines, '"finishing"');
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('upshift_ready');
  child.send('end');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('a connection is kept for the next request longer than proxies keep theirs, and does not delay the stop', async () => {
  const child = service('async () => undefined');
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const idle = connect(port, '127.0.0.1').on('error', () => undefined);
  idle.write('GET /livez HTTP/1.1\r\nHost: test\r\n\r\n');
  expect(String((await once(idle, 'data'))[0])).toContain('Keep-Alive: timeout=120');
  const closed = once(idle, 'close');
  child.kill('SIGTERM');
  await closed;
  expect(await once(child, 'exit')).toEqual([0, null]);
});

const firstFreePort = process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start')) : 0;

test.skipIf(process.getuid?.() === 0 || firstFreePort <= 1)('a port that is for root alone is named', async () => {
  const child = service('async () => undefined', { PORT: '1' });
  const [said, exited] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  expect(exited).toEqual([1, null]);
  expect(said).toMatch(/PORT=1 can not be used:\n {2}- this user may not listen on it/);
  expect(said).not.toContain('    at ');
});
