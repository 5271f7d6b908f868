import { spawnSync } from 'node:child_process';

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
