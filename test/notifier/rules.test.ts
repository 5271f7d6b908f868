import type { JobView } from '@upshift/contracts';
import { afterDelivery, badWebhookUrl, isPublicAddress, stepAsideMs, webhookBody } from '@upshift/routing';
import { describe, expect, test } from 'vitest';

describe('an address is refused that is not one of the public internet', () => {
  const refused =
    '0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.168.1.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 fe80::1 ' +
    'fc00::1 fd00:ec2::254 ff02::1 ::ffff:10.0.0.1 ::ffff:7f00:1 64:ff9b::a00:1 2002:a00:1:: 2001:0:a00:1:: ' +
    '::7f00:1 ::127.0.0.1 ::a9fe:a9fe ::101:101 168.63.129.16 ::ffff:168.63.129.16 localhost';
  test.each(refused.split(' '))('%s', (address) => expect(isPublicAddress(address)).toBe(false));
  test.each(['93.184.216.34', '1.1.1.1', '168.63.129.17', '2606:4700:4700::1111', '::ffff:1.1.1.1'])('but not %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('a URL', () => {
  test.each([
    ['hooks', 'not a URL'],
    ['http://example.com/', 'https://'],
    ['ftp://example.com/', 'https://'],
    ['https://user@example.com/', 'user name'],
    ['https://example.com:22/', 'port 22'],
    ['https://127.1/', '127.0.0.1'],
    ['https://0x7f000001/', '127.0.0.1'],
    ['https://2130706433/', '127.0.0.1'],
    ['https://[::ffff:10.0.0.1]/', 'no public address'],
    ['https://[::1]:8443/', 'no public address'],
    ['https://[::127.0.0.1]/', 'no public address'],
    ['https://168.63.129.16/', 'no public address'],
  ])('%s is refused, and the reason says what is wrong', (url, says) => expect(badWebhookUrl(url, false)).toContain(says));

  test('with TLS to a public name or address is fine', () => {
    for (const url of ['https://example.com/hooks?a=b', 'https://example.com:8443', 'https://1.1.1.1/'])
      expect(badWebhookUrl(url, false)).toBeNull();
  });

  test('in development may name this machine, but no user', () => {
    expect(badWebhookUrl('http://127.0.0.1:3000/', true)).toBeNull();
    expect(badWebhookUrl('http://me:secret@127.0.0.1/', true)).toContain('user name');
    expect(badWebhookUrl('file:///etc/passwd', true)).toContain('https://');
  });
});

describe('after a try', () => {
  const schedule = [5, 300];
  const after = (status: number | null, tries = 0, retryAfterMs: number | null = null) =>
    afterDelivery({ status, retryAfterMs }, tries, schedule, 0);

  test.each([200, 201, 204, 299])('%i is success', (status) => expect(after(status)).toEqual({ kind: 'delivered' }));
  test.each([null, 100, 301, 308, 400, 404, 500])('%s is tried again after the next pause', (status) => {
    expect(after(status, 0)).toEqual({ kind: 'retry', delayMs: 5000 });
    expect(after(status, 1)).toEqual({ kind: 'retry', delayMs: 300_000 });
    expect(after(status, 2)).toMatchObject({ kind: 'failed' });
  });
  test('410 ends the endpoint', () => expect(after(410)).toMatchObject({ kind: 'disable' }));
  test.each([429, 503])('%i is obeyed where it asks for more patience, up to a day', (status) => {
    expect(after(status, 0, 60_000)).toEqual({ kind: 'retry', delayMs: 60_000 });
    expect(after(status, 0, 1000)).toEqual({ kind: 'retry', delayMs: 5000 });
    expect(after(status, 0, 1e12)).toEqual({ kind: 'retry', delayMs: 86_400_000 });
  });
  test('a pause is at most a tenth longer than the schedule says', () => {
    expect(afterDelivery({ status: 500, retryAfterMs: null }, 0, schedule, 0.999)).toEqual({ kind: 'retry', delayMs: 5500 });
  });
});

describe('a delivery', () => {
  const aside = (toThisEndpoint: number, toAll: number, waitedMs = 0, draw = 0): number =>
    stepAsideMs({ toThisEndpoint, toAll, most: 50, lastTookMs: null }, waitedMs, draw);

  test('begins while its endpoint has fewer slots than are free: half of them at most', () => {
    expect([aside(0, 0), aside(24, 24), aside(0, 49), aside(16, 33)]).toEqual([0, 0, 0, 0]);
    expect([aside(25, 25), aside(1, 49), aside(17, 34)].every((ms) => ms > 0)).toBe(true);
    expect(stepAsideMs({ toThisEndpoint: 0, toAll: 0, most: 1, lastTookMs: null }, 0, 0)).toBe(0);
  });

  test('begins at once where its endpoint was quick the last time: it can hold nobody up for long', () => {
    const slots = { toThisEndpoint: 49, toAll: 49, most: 50 };
    expect(stepAsideMs({ ...slots, lastTookMs: 1000 }, 0, 0)).toBe(0);
    expect(stepAsideMs({ ...slots, lastTookMs: 1001 }, 0, 0)).toBe(100);
  });

  test('finds a free slot unless six endpoints hold all that they may', () => {
    let toAll = 0;
    const held = Array.from({ length: 7 }, () => {
      let toThisEndpoint = 0;
      while (aside(toThisEndpoint, toAll) === 0) [toThisEndpoint, toAll] = [toThisEndpoint + 1, toAll + 1];
      return toThisEndpoint;
    });
    expect(held).toEqual([25, 13, 6, 3, 2, 1, 0]);
  });

  test('steps aside for as long again as it has waited, within a tenth of a second and a minute, and for half of that at least', () => {
    expect([aside(25, 25, -5), aside(25, 25, 7000), aside(25, 25, 1e9)]).toEqual([100, 7000, 60_000]);
    expect(aside(25, 25, 7000, 0.999)).toBeGreaterThanOrEqual(3500);
  });
});

describe('the body', () => {
  const job = { id: 'job_0a', revision: 1, status: 'completed', route: 'default', task: null, metadata: { a: 'b' } };
  const view = (text: string, revision = 1): JobView =>
    ({ ...job, revision, completed_at: '2026-01-01T00:00:00.000Z', result: { text } }) as unknown as JobView;
  const told = { event: 'job.completed', revision: 1 };

  test('is thin unless the endpoint wants all', () => {
    const thin = JSON.parse(webhookBody(view('secret'), told, 'thin')) as object;
    expect(thin).toEqual({ type: 'job.completed', timestamp: '2026-01-01T00:00:00.000Z', data: job });
    expect(JSON.parse(webhookBody(view('secret'), told, 'full'))).toMatchObject({ data: { result: { text: 'secret' } } });
  });

  test('is thin, and says so, where it would be too long or the job was answered anew', () => {
    for (const other of [view('x'.repeat(30_000)), view('secret', 2)])
      expect(JSON.parse(webhookBody(other, told, 'full'))).toMatchObject({ data: { ...job, truncated: true } });
  });
});
