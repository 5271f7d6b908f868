import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

/** The reference's consumer: one stock BullMQ worker that does nothing, in a process of its own. */
const url = process.argv[2] ?? '';
const options = { maxRetriesPerRequest: null };
const connection = url.startsWith('unix://')
  ? new Redis({ ...options, path: url.slice('unix://'.length) })
  : new Redis(url, options);
const worker = new Worker('raw', async () => undefined, {
  connection,
  prefix: '{bench}',
  concurrency: 50,
  removeOnComplete: { count: 0 },
});
worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
await worker.waitUntilReady();
process.send?.('ready');
