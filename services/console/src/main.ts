import { runService } from '@upshift/runtime';

import { startConsole } from './console.ts';

await runService('console', startConsole);
