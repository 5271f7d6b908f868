import type { UpshiftConfig } from '@upshift/contracts';

const HOUR_MS = 3_600_000;

/** How long a job is kept after its end, in whole ms. */
export function jobKeptMs({ retention }: UpshiftConfig): number {
  return Math.ceil(retention.job_hours * HOUR_MS);
}

/** How long an idempotency key is, after its job was accepted. */
export function keyKeptMs({ retention }: UpshiftConfig): number {
  return Math.ceil(retention.idempotency_hours * HOUR_MS);
}
