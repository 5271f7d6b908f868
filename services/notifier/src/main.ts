import { runService } from '@upshift/runtime';

import { startNotifier } from './notifier.ts';

await runService('notifier', startNotifier);
