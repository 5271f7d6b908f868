import { parseExperiment } from '@upshift/contracts';
import type { EstimateView, ExperimentView } from '@upshift/contracts';

function estimate(value: number, low: number | null, high: number | null): EstimateView {
  return { value, low, high, jobs: 60 };
}

/** A canary with results of two arms over three points in time, as the API shows it. */
export function exampleView(changes: Partial<ExperimentView> = {}): ExperimentView {
  const parsed = parseExperiment({
    kind: 'canary',
    name: 'new-model',
    metrics: ['pass_rate'],
    hold: true,
    arms: [{ name: 'stable' }, { name: 'canary' }],
    guardrails: [{ metric: 'pass_rate', absolute: 0.02 }],
  });
  if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors));
  const arm = (name: string, unknown: number) => ({
    arm: name,
    jobs: 60,
    fallback_jobs: 2,
    accepted_jobs: 55,
    cost_usd: 0.5,
    cost_unknown_jobs: unknown,
    cost_per_accepted_usd: 0.00909,
    metrics: { pass_rate: estimate(0.95, 0.9, 0.98), error_rate: estimate(0.1, 0.05, null) },
    latency_p50_ms: estimate(120, 100, 140),
    latency_p95_ms: estimate(900, 700, null),
  });
  const point = (second: number, stable: EstimateView, canary: EstimateView) => ({
    at: `2026-11-24T12:00:0${second}.000Z`,
    metrics: { pass_rate: { stable, canary } },
  });
  return {
    name: 'new-model',
    kind: 'canary',
    route: 'default',
    status: 'running',
    reason: 'step 1 of 4 (1 %) begins',
    shares: { stable: 0.99, canary: 0.01 },
    created_at: '2026-11-24T12:00:00.000Z',
    changed_at: '2026-11-24T12:00:00.000Z',
    document: parsed.experiment,
    held_jobs: 3,
    released_jobs: 0,
    rerun_jobs: 0,
    preferences: null,
    shadow: null,
    arms: [arm('stable', 0), arm('canary', 4)],
    comparisons: [],
    words: ['Nothing is proven.'],
    history: [{ at: '2026-11-24T12:00:00.000Z', event: 'experiment.started', status: 'running', reason: 'begins' }],
    series: [
      point(0, estimate(1, 0, 1), estimate(0.5, 0, 1)),
      point(5, estimate(0.9, 0.8, 1), estimate(0.6, 0.3, 0.9)),
      point(9, estimate(0.9, 0.85, 0.95), estimate(0.6, 0.5, 0.7)),
    ],
    ...changes,
  };
}
