import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { cpuOf, cpuPerJob } from '../cpu.ts';
import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { postAll, sendRows, untilDrained } from '../load.ts';
import { prompt } from '../prompts.ts';
import { startServer } from '../references/child.ts';
import type { Rounds } from '../rounds.ts';
import { startRedis, startSystem } from '../system.ts';

const JOBS = 2000;

/** Completed jobs per second with the SDK's real call to the sandbox, beside requests through the Portkey gateway to the same sandbox. */
export async function peerPortkey(rounds: Rounds): Promise<Figure[]> {
  const server = await startRedis();
  const sandbox = await startServer('../../sandbox/main.ts');
  const sandboxUrl = `http://127.0.0.1:${sandbox.port}`;
  const system = await startSystem(server.url, { concurrency: 50, modelMs: null, sandboxUrl });
  const gateway = await startGateway();
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${sandboxUrl}/openai/v1`,
    Authorization: 'Bearer sandbox',
  };
  const chat = (index: number): object => ({ model: 'gpt-6-luna', messages: [{ role: 'user', content: prompt(index) }] });
  const ours = async (): Promise<number> => {
    const startedAt = performance.now();
    await sendRows(system.url, JOBS);
    await untilDrained(server.redis);
    return (performance.now() - startedAt) / 1000;
  };
  const theirs = (): Promise<number> => postAll(`http://127.0.0.1:${gateway.port}/v1/chat/completions`, JOBS, chat, headers);
  const samples: Sample[] = [];
  try {
    await ours();
    await theirs();
    await rounds(async () => {
      const before = await cpuOf(system);
      const value = JOBS / (await ours());
      process.stderr.write(`peer_portkey: µs of CPU a job: ${cpuPerJob(before, await cpuOf(system), JOBS)}\n`);
      samples.push({ value, reference: JOBS / (await theirs()) });
    });
  } finally {
    await gateway.stop();
    await system.stop();
    await sandbox.stop();
    await server.stop();
  }
  return [figureOf('peer_portkey', 'jobs/s', samples, { at: 'least', ratio: 1, stretch: 2 })];
}

/** The gateway as its package starts it, without its web page. */
async function startGateway(): Promise<{ port: number; stop(): Promise<void> }> {
  const port = await freePort();
  const program = createRequire(import.meta.url).resolve('@portkey-ai/gateway/build/start-server.js');
  const child = spawn(process.execPath, [program, `--port=${port}`, '--headless'], { stdio: 'ignore' });
  while (!(await fetch(`http://127.0.0.1:${port}/`).catch(() => null)));
  return {
    port,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
