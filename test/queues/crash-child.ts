/** A process that takes a job through its steps and dies before its n-th command to Redis, as if killed there: see crash.redis.test.ts. */
import { advance, closeCells, readJob } from '@upshift/queues';

import { connect } from '../../packages/queues/src/connection.ts';
import { walk } from './crash-walk.ts';
import { onlyCellOf, openTestCells } from './setting.ts';

const [url = '', id = '', lives = '0'] = process.argv.slice(2);
const pipeline = onlyCellOf(await openTestCells(url));
const books = connect(url, { failFast: false });
let left = Number(lives);
const send = pipeline.redis.sendCommand.bind(pipeline.redis);
pipeline.redis.sendCommand = (...args) => {
  // A real kill: `process.exit` while V8 compiles in the background can hang for ever (nodejs/node#54918).
  if (left <= 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
  return send(...args);
};
await walk({
  read: () => readJob(pipeline, id),
  move: (event, fields) => advance(pipeline, id, event, fields),
  called: () => books.incr(`called:${id}`),
});
books.disconnect();
await closeCells(pipeline);
