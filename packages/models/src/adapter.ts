import type { UnifiedRequest, UnifiedResponse } from '@upshift/contracts';

import type { CallControl } from './call-control.ts';

/** Speaks one vendor's protocol. Every failure that is not a bug is thrown as a ModelCallError. */
export interface Adapter {
  call(request: UnifiedRequest, control: CallControl): Promise<UnifiedResponse>;
}
