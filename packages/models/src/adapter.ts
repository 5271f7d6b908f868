import type { PublishedModel, UnifiedRequest, UnifiedResponse } from '@upshift/contracts';

import type { CallControl } from './call-control.ts';

/** Speaks one vendor's protocol with one account. Every failure that is not a bug is thrown as a ModelCallError. */
export interface Adapter {
  call(request: UnifiedRequest, control: CallControl): Promise<UnifiedResponse>;
  /** What the provider's models API says, at least of the models with these names that it has. */
  catalogue(names: string[], control: CallControl): Promise<PublishedModel[]>;
}
