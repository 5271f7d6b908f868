import { describe, expect, test } from 'vitest';

import { build, kustomize, OVERLAYS, workloadsOf } from './overlay.ts';
import type { OverlayName, Workload } from './overlay.ts';
import { connections, policiesOf, reachInternet } from './reach.ts';
import type { Policy } from './reach.ts';

const WORKERS = ['worker-economy', 'worker-fallback', 'worker-premium', 'worker-standard'];
/** Who sends to the addresses that users name: ends of jobs, answers to verify, prompts to classify. */
const WEBHOOKS = ['classifier', 'notifier', 'scorer'];
const SERVICES = ['classifier', 'console', 'intake', 'notifier', 'scorer', 'steward', ...WORKERS];

const overlays = Object.fromEntries(
  OVERLAYS.map((overlay) => {
    const all = build(overlay);
    return [overlay, { workloads: workloadsOf(all), policies: policiesOf(all) }];
  }),
) as Record<OverlayName, { workloads: Workload[]; policies: Policy[] }>;

describe.skipIf(kustomize === undefined)('by the network policies', () => {
  test('in the sandbox services reach Redis, workers the sandbox, and no pod another', () => {
    const { workloads, policies } = overlays.sandbox;
    expect(connections(workloads, policies)).toEqual(
      [...SERVICES.map((name) => `${name} → redis:6379`), ...WORKERS.map((name) => `${name} → sandbox:7700`)].toSorted(),
    );
  });

  test('live no pod reaches another', () => {
    const { workloads, policies } = overlays.live;
    expect(connections(workloads, policies)).toEqual([]);
  });

  test.each([
    ['sandbox', 443, WEBHOOKS],
    ['live', 443, [...WEBHOOKS, ...WORKERS]],
    ['live', 8443, WEBHOOKS],
    ['sandbox', 6379, []],
    ['live', 6379, SERVICES],
    ['sandbox', 80, []],
    ['live', 80, []],
  ] as const)('in %s port %i of the internet is reached by %j', (overlay, port, names) => {
    const { workloads, policies } = overlays[overlay];
    expect(new Set(reachInternet(workloads, policies, port))).toEqual(new Set(names));
  });

  test('from without the job API is reached from marked namespaces, and metrics from that of Prometheus', () => {
    const { policies } = overlays.live;
    const entries = policies.flatMap(({ podSelector, ingress = [] }) =>
      ingress.map(({ from, ports }) => ({ podSelector, from, ports })),
    );
    expect(entries).toEqual([
      {
        podSelector: { matchLabels: { 'app.kubernetes.io/name': 'intake' } },
        from: [{ namespaceSelector: { matchLabels: { 'upshift/client': 'true' } } }],
        ports: [{ port: 7700 }],
      },
      {
        podSelector: {
          matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'In', values: ['service', 'worker'] }],
        },
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ port: 7700 }],
      },
    ]);
  });
});
