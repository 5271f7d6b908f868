import type { UnifiedRequest } from '@upshift/contracts';
import type OpenAI from 'openai';

import type { CallControl } from '../../call-control.ts';

/** What the three APIs of this vendor are called with. */
export interface OpenaiCall {
  client: OpenAI;
  provider: string;
  request: UnifiedRequest;
  control: CallControl;
}
