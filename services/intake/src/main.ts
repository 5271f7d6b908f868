import { runService } from '@upshift/runtime';

import { startIntake } from './intake.ts';

await runService('intake', startIntake);
