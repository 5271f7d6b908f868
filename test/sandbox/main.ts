import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { faultRuleList } from './faults.ts';
import { startSandbox } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: process.env['PORT'] ?? '0' },
    host: { type: 'string', default: '127.0.0.1' },
    book: { type: 'string', multiple: true, default: [] },
    faults: { type: 'string' },
    recorded: { type: 'boolean', default: false },
  },
});

const sandbox = await startOrSay({
  port: Number(values.port),
  host: values.host,
  books: values.book,
  recorded: values.recorded,
  faults: values.faults === undefined ? [] : faultRuleList.parse(JSON.parse(readFileSync(values.faults, 'utf8'))),
});

process.stdout.write(`${JSON.stringify({ event: 'sandbox-listening', port: sandbox.port })}\n`);
process.send?.({ event: 'ready', port: sandbox.port });

/** A port that is taken is told in words: `npm start` shows the last that a program has said. */
async function startOrSay(options: Parameters<typeof startSandbox>[0]): ReturnType<typeof startSandbox> {
  try {
    return await startSandbox(options);
  } catch (error) {
    process.stderr.write(`upshift sandbox: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    // By itself, and not by process.exit, which may hang while V8 compiles; the channel to a parent would keep it alive.
    if (process.connected) process.disconnect();
    return new Promise(() => undefined);
  }
}

async function stop(): Promise<void> {
  await sandbox.close();
  // The channel to a parent process would keep this one alive.
  if (process.connected) process.disconnect();
}

// Whoever started it is gone, and nobody else knows of it.
process.once('disconnect', () => void stop());
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
