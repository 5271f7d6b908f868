import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import { z } from 'zod';

/** The reference for intake: what one would write in an afternoon. Express 5, a zod schema, and `queue.add`. */
const url = process.argv[2] ?? '';
const connection = url.startsWith('unix://') ? new Redis(url.slice('unix://'.length)) : new Redis(url);
const queue = new Queue('bare', { connection, prefix: '{bench}' });
const job = z.strictObject({
  task: z.string(),
  input: z.strictObject({ prompt: z.string().min(1) }),
  checks: z.array(z.strictObject({ type: z.literal('length'), min_words: z.int(), max_words: z.int() })),
});

const app = express();
app.use(express.json());
// Express 5 hands a rejected promise to its error handler.
// oxlint-disable-next-line oxc/no-async-endpoint-handlers
app.post('/jobs', async (request, response) => {
  const parsed = job.safeParse(request.body);
  if (!parsed.success) return void response.status(422).json({ errors: parsed.error.issues });
  const { id } = await queue.add('job', parsed.data);
  response.status(202).json({ id });
});
const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
