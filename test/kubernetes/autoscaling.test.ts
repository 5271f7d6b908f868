import { describe, expect, test } from 'vitest';

import { faultsOf } from '../telemetry/queries.ts';
import { build, environmentOf, kustomize, workloadsOf } from './overlay.ts';

interface Scaling {
  scaleTargetRef: { name: string };
  minReplicaCount: number;
  maxReplicaCount: number;
  fallback: { replicas: number };
  triggers: { type: string; metricType: string; metadata: Record<string, string> }[];
}

describe.skipIf(kustomize === undefined)('autoscaling', () => {
  const all = build('live');
  const workloads = workloadsOf(all);
  const scalings = all
    .filter(({ kind }) => kind === 'ScaledObject')
    .map(({ metadata, spec }): [string, Scaling] => [metadata.name, spec as unknown as Scaling]);

  test('is there for every tier', () => {
    const workers = workloads.filter(({ name }) => name.startsWith('worker-')).map(({ name }) => name);
    expect(scalings.map(([, { scaleTargetRef }]) => scaleTargetRef.name).toSorted()).toEqual(workers.toSorted());
  });

  test.each(scalings)('of %s asks for the oldest waiting age of its own tier', (name, { scaleTargetRef, triggers }) => {
    const target = workloads.find((workload) => workload.name === scaleTargetRef.name);
    const [trigger, ...others] = triggers;
    expect(others).toEqual([]);
    expect(trigger).toMatchObject({ type: 'prometheus', metricType: 'Value' });
    const { query = '', threshold, serverAddress, ignoreNullValues } = trigger?.metadata ?? {};
    expect(faultsOf(query)).toEqual([]);
    expect(target && environmentOf(target, all).get('TIER')).toBe(/tier="(\w+)"/.exec(query)?.[1]);
    expect(query).toContain('upshift_queue_oldest_waiting_seconds');
    expect(Number(threshold)).toBeGreaterThan(0);
    expect(URL.canParse(serverAddress ?? '')).toBe(true);
    expect(ignoreNullValues).toBe('false');
    expect(name).toBe(scaleTargetRef.name);
  });

  test.each(scalings)('of %s always keeps a worker, and stays within its limits without Prometheus', (_, scaling) => {
    expect(scaling.minReplicaCount).toBeGreaterThanOrEqual(1);
    expect(scaling.fallback.replicas).toBeGreaterThanOrEqual(scaling.minReplicaCount);
    expect(scaling.maxReplicaCount).toBeGreaterThanOrEqual(scaling.fallback.replicas);
  });

  test('is the only one to say how many replicas there are', () => {
    const intake = all.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.spec['scaleTargetRef'];
    expect(intake).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'intake' });
    const scaled = ['intake', ...scalings.map(([, { scaleTargetRef }]) => scaleTargetRef.name)];
    const both = workloads.filter(({ name, replicas }) => scaled.includes(name) && replicas !== undefined);
    expect(both.map(({ name }) => name)).toEqual([]);
  });
});
