import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { parseAllDocuments } from 'yaml';

export const root = join(import.meta.dirname, '..', '..');
export const manifests = join(root, 'deploy/kubernetes');

export const OVERLAYS = ['sandbox', 'live'] as const;
export type OverlayName = (typeof OVERLAYS)[number];

/** An object as it would be sent to a cluster. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
  spec: Record<string, unknown>;
  data?: Record<string, string>;
}

export type Labels = Record<string, string>;

export interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: 'In'; values: string[] }[];
}

/** What runs in pods: a Deployment or a StatefulSet. */
export interface Workload {
  kind: string;
  name: string;
  replicas: number | undefined;
  labels: Labels;
  pod: PodSpec;
  container: Container;
}

interface PodSpec {
  terminationGracePeriodSeconds?: number;
  topologySpreadConstraints?: { labelSelector: Selector }[];
  volumes?: { name: string; configMap?: { name: string } }[];
  containers: Container[];
}

interface Container {
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  ports: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  lifecycle?: { preStop: { sleep: { seconds: number } } };
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
}

interface Probe {
  httpGet?: { path: string; port: string };
}

/** `kubectl kustomize` or `kustomize build`, whichever this machine has; undefined where it has neither. */
export const kustomize = [
  ['kubectl', 'kustomize'],
  ['kustomize', 'build'],
].find(([program = '']) => spawnSync(program, ['version', '--client']).error === undefined);

/** An overlay as kustomize builds it; empty where there is no kustomize. */
export function build(overlay: OverlayName): Manifest[] {
  if (kustomize === undefined) return [];
  const [program = '', ...args] = kustomize;
  const built = spawnSync(program, [...args, join(manifests, 'overlays', overlay)], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${kustomize.join(' ')} ended with ${built.status}: ${built.stderr}`);
  return parseAllDocuments(built.stdout).map((document) => document.toJS() as Manifest);
}

export function workloadsOf(all: Manifest[]): Workload[] {
  return all.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet').map(workloadOf);
}

function workloadOf({ kind, metadata, spec }: Manifest): Workload {
  const { replicas, template } = spec as {
    replicas?: number;
    template: { metadata: { labels: Labels }; spec: PodSpec };
  };
  const [container, ...others] = template.spec.containers;
  if (container === undefined || others.length > 0) throw new Error(`${metadata.name} must have one container`);
  return { kind, name: metadata.name, replicas, labels: template.metadata.labels, pod: template.spec, container };
}

export function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

/** The environment as the container sees it; the value of a Secret that is not among the manifests is undefined. */
export function environmentOf({ container }: Workload, all: Manifest[]): Map<string, string | undefined> {
  const environment = new Map<string, string | undefined>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    const name = configMapRef?.name ?? secretRef?.name;
    const source = all.find(({ metadata }) => metadata.name === name);
    const decode = (text: string): string => (source?.kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text);
    for (const [key, value] of Object.entries(source?.data ?? {})) environment.set(key, decode(value));
  }
  for (const { name, value } of container.env ?? []) environment.set(name, value);
  return environment;
}
