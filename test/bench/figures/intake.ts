import { figureOf } from '../figure.ts';
import type { Figure, Sample } from '../figure.ts';
import { postAll, sendRows } from '../load.ts';
import { body } from '../prompts.ts';
import { startServer } from '../references/child.ts';
import type { Rounds } from '../rounds.ts';
import { startRedis, startSystem } from '../system.ts';

const POSTS = 4000;
const ROWS = 20_000;
const CONSUMERS = ['classifier', 'scorer', 'worker', 'steward', 'notifier', 'console'];

/** Jobs accepted per second, one a request beside a bare Express server with `queue.add`; and as rows of NDJSON beside that figure. */
export async function intake(rounds: Rounds): Promise<Figure[]> {
  const server = await startRedis();
  const system = await startSystem(server.url, { leaveOut: CONSUMERS });
  const bare = await startServer('bare-intake.ts', server.url);
  const ours = (count: number): Promise<number> => postAll(`${system.url}/v1/jobs`, count, body);
  const theirs = (count: number): Promise<number> => postAll(`http://127.0.0.1:${bare.port}/jobs`, count, body);
  const posts: Sample[] = [];
  const rows: Sample[] = [];
  try {
    // A whole round first: code that is not yet compiled is no part of the figures.
    await ours(POSTS);
    await theirs(POSTS);
    await sendRows(system.url, ROWS);
    await rounds(async () => {
      const value = POSTS / (await ours(POSTS));
      posts.push({ value, reference: POSTS / (await theirs(POSTS)) });
      const startedAt = performance.now();
      await sendRows(system.url, ROWS);
      rows.push({ value: (ROWS / (performance.now() - startedAt)) * 1000, reference: value });
    });
  } finally {
    await bare.stop();
    await system.stop();
    await server.stop();
  }
  return [
    figureOf('intake_post', 'requests/s', posts, { at: 'least', ratio: 0.7, stretch: 1.2 }),
    figureOf('intake_ndjson', 'rows/s', rows, { at: 'least', ratio: 6, stretch: 12 }),
  ];
}
