import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { createMetrics, environmentVariables, loadConfig, probeRoutes } from '@upshift/runtime';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

import { build, environmentOf, kustomize, manifests, OVERLAYS, root, selects, workloadsOf } from './overlay.ts';
import type { Selector, Workload } from './overlay.ts';
import { unknownFields, violationOf } from './schema.ts';

/** After SHUTDOWN_GRACE_S: see packages/runtime/src/service.ts. */
const FORCED_EXIT_AFTER_S = 5;

const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const config = loadConfig(join(root, 'upshift.config.yaml'));
const { services: composed } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, { command: string[]; environment?: Record<string, unknown> }>;
};

test('every file belongs to a kustomization, and every file that one names is there', () => {
  const kustomizations = globSync('**/kustomization.yaml', { cwd: manifests });
  const named = kustomizations.flatMap((file) => {
    const {
      resources = [],
      components = [],
      patches = [],
      configMapGenerator = [],
    } = parse(readFileSync(join(manifests, file), 'utf8')) as Record<'resources' | 'components', string[] | undefined> & {
      patches?: { path?: string }[];
      configMapGenerator?: { files?: string[] }[];
    };
    const paths = [...patches.map(({ path }) => path), ...configMapGenerator.flatMap(({ files }) => files)];
    return [...resources, ...components, ...paths].flatMap((path) => (path === undefined ? [] : join(dirname(file), path)));
  });
  expect(named.filter((path) => !existsSync(join(manifests, path)))).toEqual([]);
  const files = globSync('**/*.yaml', { cwd: manifests }).filter((file) => !file.endsWith('kustomization.yaml'));
  expect(files.filter((file) => !named.includes(file))).toEqual([]);
});

describe.skipIf(kustomize === undefined).each(OVERLAYS)('the overlay %s', (overlay) => {
  const all = build(overlay);
  const workloads = workloadsOf(all);
  const named = (kind: string) => all.filter((manifest) => manifest.kind === kind);
  const ours = workloads.filter(({ container }) => container.image.includes('upshift'));
  const services = ours.filter(({ name }) => name !== 'sandbox');

  test.each(all.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest]))(
    '%s is valid',
    async (_, manifest) => {
      expect(await violationOf(manifest)).toBeNull();
      expect(manifest.metadata.namespace).toBe(manifest.kind === 'Namespace' ? undefined : 'upshift');
    },
  );

  test('has no field that Kubernetes or KEDA does not know', () => {
    expect(unknownFields(all)).toBe('');
  });

  test('runs what docker-compose.yml runs, by the same commands', () => {
    const absent = overlay === 'live' ? ['redis', 'sandbox'] : [];
    const names = Object.keys(composed).filter((name) => !absent.includes(name));
    expect(workloads.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    expect(ours.map(({ name, container }) => [name, container.args])).toEqual(
      ours.map(({ name }) => [name, composed[name]?.command]),
    );
    expect(workloads.find(({ name }) => name === 'redis')?.container.args?.join(' ')).toBe(
      overlay === 'live'
        ? undefined
        : '--dir /data --appendonly yes --appendfsync everysec --auto-aof-rewrite-min-size 512mb --save  --maxmemory 1gb --maxmemory-policy noeviction',
    );
  });

  test.each(workloads.map((workload) => [workload.name, workload]))('%s is hardened and limited', (_, { pod, container }) => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: expect.any(Number), seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container).toMatchObject({
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      resources: { requests: { cpu: expect.any(String), memory: expect.any(String) }, limits: { memory: expect.any(String) } },
    });
  });

  test('asks for the probes that a service answers, at the port that the image exposes', () => {
    const routes = probeRoutes(() => Promise.resolve({ ready: true, reason: '' }), createMetrics('test')).stack;
    const paths = routes.map(({ route }) => route?.path);
    const [, port] = /^EXPOSE (\d+)$/m.exec(read('Dockerfile')) ?? [];
    for (const { container } of services) {
      const probes = [container.startupProbe, container.readinessProbe, container.livenessProbe].map((probe) => probe?.httpGet);
      expect(probes.map((probe) => probe?.path)).toEqual(['/livez', '/readyz', '/livez']);
      expect(probes.filter((probe) => !paths.includes(probe?.path))).toEqual([]);
      expect(new Set(probes.map((probe) => probe?.port))).toEqual(new Set(['http']));
      expect(container.ports).toEqual([{ name: 'http', containerPort: Number(port) }]);
    }
  });

  test('gives each service variables that exist, and values that they take', () => {
    const ofProviders = Object.values(config.providers).flatMap(({ api_key_env: key, base_url_env: url }) => [key, url]);
    for (const workload of services) {
      const environment = environmentOf(workload, all);
      const known: readonly (string | undefined)[] = [...Object.keys(environmentVariables.shape), ...ofProviders];
      expect([...environment.keys()].filter((name) => !known.includes(name))).toEqual([]);
      const { PORT, HOST, UPSHIFT_CONFIG, TIER } = environmentVariables.parse(Object.fromEntries(environment));
      expect({ PORT, HOST, TIER }).toEqual({ PORT: 7700, HOST: '0.0.0.0', TIER: composed[workload.name]?.environment?.['TIER'] });
      const mount = workload.container.volumeMounts?.find(({ mountPath }) => UPSHIFT_CONFIG.startsWith(`${mountPath}/`));
      const volume = workload.pod.volumes?.find(({ name }) => name === mount?.name);
      const configMap = all.find(({ metadata }) => metadata.name === volume?.configMap?.name);
      expect(Object.keys(configMap?.data ?? {})).toEqual([UPSHIFT_CONFIG.slice((mount?.mountPath ?? '').length + 1)]);
    }
  });

  test('needs no Secret that is not there, but for the three that live installations make', () => {
    const referred = services.flatMap(({ container: { env = [], envFrom = [] } }) => [
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ]);
    const there = named('Secret').map(({ metadata }) => metadata.name);
    const missing = new Set(referred.filter((name) => name !== undefined && !there.includes(name)));
    expect(missing).toEqual(new Set(overlay === 'live' ? ['upshift-redis', 'upshift-providers', 'upshift-console'] : []));
  });

  test('shows the secrets of providers to workers and to nobody else', () => {
    const withKeys = services.filter(({ container }) => container.envFrom?.some(({ secretRef }) => secretRef !== undefined));
    expect(withKeys.map(({ name }) => name)).toEqual(
      services.map(({ name }) => name).filter((name) => name.startsWith('worker-')),
    );
    const sandboxed = services.filter((workload) => environmentOf(workload, all).has('UPSHIFT_SANDBOX_URL'));
    expect(sandboxed).toEqual(overlay === 'live' ? [] : withKeys);
  });

  test('kills no pod before it would have ended by itself, and no worker before its calls have', () => {
    const longestCallS = Math.max(...Object.values(config.models).map(({ call_timeout_s: timeout }) => timeout));
    for (const workload of services) {
      const graceS = Number(environmentOf(workload, all).get('SHUTDOWN_GRACE_S'));
      const preStopS = workload.container.lifecycle?.preStop.sleep.seconds ?? 0;
      expect(workload.pod.terminationGracePeriodSeconds).toBeGreaterThan(preStopS + graceS + FORCED_EXIT_AFTER_S);
      expect(graceS).toBeGreaterThanOrEqual(workload.name.startsWith('worker-') ? longestCallS : 0);
    }
  });

  test('selects pods that are there', () => {
    const selected = (selector: Selector): Workload[] => workloads.filter(({ labels }) => selects(selector, labels));
    for (const { spec } of [...named('Deployment'), ...named('StatefulSet'), ...named('PodDisruptionBudget')])
      expect(selected(spec['selector'] as Selector)).toHaveLength(1);
    for (const { metadata, spec } of named('Service')) {
      const [workload, ...others] = selected({ matchLabels: spec['selector'] as Record<string, string> });
      expect([workload?.name, others]).toEqual([metadata.name, []]);
      const targets = (spec['ports'] as { targetPort: string }[]).map(({ targetPort }) => targetPort);
      expect(workload?.container.ports.map(({ name }) => name)).toEqual(targets);
    }
    for (const { spec } of named('NetworkPolicy')) expect(selected(spec['podSelector'] as Selector)).not.toEqual([]);
    for (const { pod, labels } of services)
      for (const { labelSelector } of pod.topologySpreadConstraints ?? []) expect(selects(labelSelector, labels)).toBe(true);
  });

  test('has a disruption budget for each service, by which its node can be drained', () => {
    const budgets = named('PodDisruptionBudget').map(({ metadata, spec }): [string, unknown] => [
      metadata.name,
      spec['maxUnavailable'],
    ]);
    expect(new Map(budgets)).toEqual(new Map(services.map(({ name }) => [name, 1])));
  });
});
