import { runService } from '@upshift/runtime';

import { startWorker } from './worker.ts';

await runService('worker', startWorker);
