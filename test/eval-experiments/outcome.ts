import type { Observation } from '@upshift/routing';

/** What a simulated job came to. */
export function outcome(accepted: boolean): Observation {
  return {
    accepted,
    metFallback: false,
    limitMs: null,
    spentUsd: 0,
    metrics: {
      score: null,
      pass_rate: Number(accepted),
      escalation_rate: null,
      error_rate: null,
      refusal_rate: null,
      schema_failure_rate: null,
      late_failure_rate: null,
      cost_usd: null,
      latency_ms: null,
    },
  };
}
