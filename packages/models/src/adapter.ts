import type { PublishedModel, UnifiedRequest, UnifiedResponse } from '@upshift/contracts';

import type { CallControl } from './call-control.ts';
import type { FailureOf } from './call-failure.ts';

/** Speaks one vendor's protocol with one account. What its SDK throws is put into words by whoever calls. */
export interface Adapter {
  call(request: UnifiedRequest, control: CallControl): Promise<UnifiedResponse>;
  /** What the provider's models API says, at least of the models with these names that it has. */
  catalogue(names: string[], control: CallControl): Promise<PublishedModel[]>;
  failureOf: FailureOf;
}
