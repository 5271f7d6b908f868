import { runService } from '@upshift/runtime';

import { startSteward } from './steward.ts';

await runService('steward', startSteward);
