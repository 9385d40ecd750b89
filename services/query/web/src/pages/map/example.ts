// For tests: a map of so many services, in three namespaces, where each calls two others and every tenth a database.

import type { MapEdge, MapNode, ServiceMap } from '../../api/model';

export const red = { requests: 1, errors: 0, rate: 1, errorRate: 0, p50: 0, p95: 0, p99: 0 };

export const node = (id: string, told: Partial<MapNode> = {}): MapNode => ({
  id,
  name: id,
  namespace: '',
  type: 'service',
  system: '',
  address: '',
  unmatchedCalls: 0,
  red,
  filters: [],
  nodes: undefined,
  ...told,
});

export const edge = (source: string, target: string): MapEdge => ({ source, target, red });

export function example(services: number): ServiceMap {
  const name = (i: number) => `service-${i}`;
  const nodes = Array.from({ length: services }, (_, i) =>
    node(name(i), { namespace: ['shop', 'bank', ''][i % 3] ?? '', red: { ...red, requests: (i * 37) % 101 } }),
  );
  const edges: MapEdge[] = [];
  for (let i = 0; i < services; i++) {
    for (const to of [2 * i + 1, 2 * i + 2]) if (to < services) edges.push(edge(name(i), name(to)));
    if (i % 10 === 0) edges.push(edge(name(i), 'database'));
  }
  return { nodes: [...nodes, node('database', { type: 'database', system: 'postgresql' })], edges };
}
