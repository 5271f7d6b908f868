import type { UnifiedRequest } from '@upshift/contracts';
import type { ProviderSettings } from '@upshift/runtime';
import type OpenAI from 'openai';

import { underControl } from '../../call-control.ts';
import type { CallControl } from '../../call-control.ts';

/** What the three APIs of this vendor are called with. */
export interface OpenaiCall {
  client: OpenAI;
  provider: string;
  unknownParameters: ProviderSettings['unknownParameters'];
  request: UnifiedRequest;
  control: CallControl;
}

/** How the SDK must send this call. */
export function sendOptions({ request, control }: OpenaiCall): OpenAI.RequestOptions {
  return { headers: { 'x-client-request-id': request.requestId }, ...underControl(control) };
}
