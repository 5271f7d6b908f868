import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

import { expect, test } from 'vitest';

/** Logs an object in a process of its own, and reads the line. */
function logged(object: Record<string, unknown>): string {
  const program = `
    const { createLogger } = await import('@upshift/runtime');
    createLogger('test', 'info').info(${JSON.stringify(object)}, 'a line');
  `;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  });
  return stderr;
}

test('what is logged by mistake under a telling name is not written', () => {
  const names = ['input', 'messages', 'prompt', 'text', 'content', 'answer', 'body', 'headers', 'apiKey', 'secret'];
  const line = logged({
    job: 'job_1',
    ...Object.fromEntries(names.map((name) => [name, 'hidden words'])),
    within: Object.fromEntries(names.map((name) => [name, 'hidden words'])),
  });

  expect(line).not.toContain('hidden words');
  expect(JSON.parse(line)).toMatchObject({ job: 'job_1', prompt: '[redacted]', within: { prompt: '[redacted]' }, msg: 'a line' });
});

test.runIf(process.platform === 'linux')(
  'where no line can be written, as on a full disk, the process goes on, and ends when it wants to',
  () => {
    const full = openSync('/dev/full', 'w');
    const program = `
    const { createLogger } = await import('@upshift/runtime');
    const { setTimeout: pause } = await import('node:timers/promises');
    const logger = createLogger('test', 'info');
    for (let line = 0; line < 3; line += 1) {
      logger.info('a line');
      await pause(1);
    }
    process.stdout.write('alive');
    process.exit(0);
  `;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', full],
      timeout: 15_000,
    });
    closeSync(full);
    expect([stdout, status]).toEqual(['alive', 0]);
  },
);
