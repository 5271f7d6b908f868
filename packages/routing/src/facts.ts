import type { UpshiftConfig } from '@upshift/contracts';

/** What is known of the world outside, shared by all processes; the values say why, in words. */
export interface Health {
  /** By provider: lasting states, such as a missing key. */
  providersOff: Record<string, string>;
  /** By model id: passing states. */
  circuitsOpen: Record<string, string>;
}

/** All that a decision may depend on besides the job and the event. */
export interface Facts {
  /** The configuration version under which the job was accepted. */
  config: UpshiftConfig;
  health: Health;
  /** Ms since the epoch. */
  now: number;
  /** In [0, 1), from the job's seed. */
  draw: number;
}
