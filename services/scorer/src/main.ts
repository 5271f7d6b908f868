import { runService } from '@upshift/runtime';

import { startScorer } from './scorer.ts';

await runService('scorer', startScorer);
