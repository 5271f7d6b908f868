import { runService } from '@upshift/runtime';

import { startClassifier } from './classifier.ts';

await runService('classifier', startClassifier);
