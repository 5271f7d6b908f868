import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, expect, test } from 'vitest';

interface Lock {
  onWait(holder?: number): void;
  onStuck(holder?: number): Error;
}

const { withProcessLock } = (await import(new URL('./process-lock.mjs', import.meta.url).href)) as {
  withProcessLock: (path: string, lock: Lock, work: () => Promise<string>) => Promise<string>;
};

const directory = mkdtempSync(join(tmpdir(), 'upshift-lock-'));
afterAll(() => rmSync(directory, { recursive: true }));

const neverWaits: Lock = {
  onWait: (holder) => {
    throw new Error(`waits for ${holder}`);
  },
  onStuck: () => new Error('stuck'),
};

test.runIf(process.platform === 'linux')(
  'a lock is taken over where this process has the id of its dead holder, and given back',
  async () => {
    const path = join(directory, 'lock');
    mkdirSync(path);
    writeFileSync(join(path, 'pid'), String(process.pid));
    expect(await withProcessLock(path, neverWaits, async () => 'done')).toBe('done');
    expect(await withProcessLock(path, neverWaits, async () => 'again')).toBe('again');
    expect(readdirSync(directory).filter((name) => !name.includes('-dead-'))).toEqual([]);
  },
);
