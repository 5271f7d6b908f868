import type { UpshiftConfig } from '@upshift/contracts';

import type { EarlierAnswer } from './earlier-answer.ts';

/** What is known of the world outside, shared by all processes. */
export interface Health {
  /** By provider: why it can not be called, in words. A lasting state, such as a missing key. */
  providersOff: Record<string, string>;
  /** Of those that have denied the account just now: when they may be asked again, in ms since the epoch. */
  providersDenied?: Record<string, number>;
  /** By model id: when its circuit may close again, in ms since the epoch. A passing state. */
  circuitsOpen: Record<string, number>;
  /** Models whose time in `circuitsOpen` has passed, and that have not answered since: they may be called. */
  circuitsProbing?: string[];
}

/** Nothing is known against any of them. */
export const allWell: Health = { providersOff: {}, circuitsOpen: {} };

/** All that a decision may depend on besides the job and the event. */
export interface Facts {
  /** The configuration version under which the job was accepted. */
  config: UpshiftConfig;
  health: Health;
  /** Ms since the epoch. */
  now: number;
  /** In [0, 1), from the job's seed. */
  draw: number;
  /** Looked for only where a job would end badly without it. */
  earlierAnswer?: EarlierAnswer;
}
