import { selects } from './overlay.ts';
import type { Labels, Manifest, Selector, Workload } from './overlay.ts';

type Direction = 'ingress' | 'egress';

interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string };
}

interface Rule {
  to?: Peer[];
  from?: Peer[];
  ports?: { port: number }[];
}

/** What a NetworkPolicy says. */
export interface Policy {
  podSelector: Selector;
  policyTypes: ('Ingress' | 'Egress')[];
  ingress?: Rule[];
  egress?: Rule[];
}

export function policiesOf(all: Manifest[]): Policy[] {
  return all.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec as unknown as Policy);
}

/** Which pods of the namespace reach which, by all policies together: `from → to:port`, sorted. */
export function connections(workloads: Workload[], policies: Policy[]): string[] {
  const listening = workloads.flatMap((to) => to.container.ports.map(({ containerPort }) => ({ to, port: containerPort })));
  return workloads
    .flatMap((from) =>
      listening
        .filter(({ to, port }) => to.name !== from.name && reaches(from.labels, to.labels, port, policies))
        .map(({ to, port }) => `${from.name} → ${to.name}:${port}`),
    )
    .toSorted();
}

function reaches(from: Labels, to: Labels, port: number, policies: Policy[]): boolean {
  return allows('egress', from, to, port, policies) && allows('ingress', to, from, port, policies);
}

/** Whether a pod may talk to another of its namespace in one direction. A pod that no policy selects may do anything. */
function allows(direction: Direction, pod: Labels, other: Labels, port: number, policies: Policy[]): boolean {
  const type = direction === 'ingress' ? 'Ingress' : 'Egress';
  const own = policies.filter(({ podSelector, policyTypes }) => policyTypes.includes(type) && selects(podSelector, pod));
  if (own.length === 0) return true;
  return own.flatMap((policy) => policy[direction] ?? []).some((rule) => permits(rule, other, port));
}

function permits({ to, from, ports }: Rule, other: Labels, port: number): boolean {
  const peers = to ?? from;
  return (
    (ports?.some((allowed) => allowed.port === port) ?? true) &&
    (peers?.some(({ podSelector, namespaceSelector }) => podSelector && !namespaceSelector && selects(podSelector, other)) ??
      true)
  );
}

/** Who may open connections to the internet at a port. */
export function reachInternet(workloads: Workload[], policies: Policy[], port: number): string[] {
  const opening = policies.filter(({ egress = [] }) =>
    egress.some(
      ({ to, ports }) =>
        (to === undefined || to.some(({ ipBlock }) => ipBlock !== undefined)) &&
        (ports?.some((allowed) => allowed.port === port) ?? true),
    ),
  );
  return workloads
    .filter(({ labels }) => opening.some(({ podSelector }) => selects(podSelector, labels)))
    .map(({ name }) => name);
}
