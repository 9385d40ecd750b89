import { describe, expect, it } from 'vitest';
import type { MapEdge, MapNode } from '../../api/model';
import { edgeWidth, layoutMap, nodeSize } from './layout';

const red = { requests: 1, errors: 0, rate: 1, errorRate: 0, p50: 0, p95: 0, p99: 0 };
const node = (id: string): MapNode => ({
  id,
  name: id,
  type: 'service',
  system: '',
  address: '',
  unmatchedCalls: 0,
  red,
});
const edge = (source: string, target: string): MapEdge => ({ source, target, red });

describe('the service map', () => {
  it('runs from callers on the left to the called on the right', () => {
    const { nodes } = layoutMap({
      nodes: ['db', 'web', 'cart'].map(node),
      edges: [edge('web', 'cart'), edge('cart', 'db')],
    });
    const x = Object.fromEntries(nodes.map((n) => [n.node.id, n.x]));
    expect(x['web']).toBeLessThan(x['cart']!);
    expect(x['cart']).toBeLessThan(x['db']!);
  });

  it('keeps nodes apart and inside', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const { nodes, width, height } = layoutMap({
      nodes: ids.map(node),
      edges: ids.slice(1).map((id) => edge('a', id)),
    });
    for (const n of nodes) {
      expect(n.x - nodeSize.width / 2).toBeGreaterThanOrEqual(0);
      expect(n.x + nodeSize.width / 2).toBeLessThanOrEqual(width);
      expect(n.y + nodeSize.height / 2).toBeLessThanOrEqual(height);
      for (const other of nodes) {
        if (other === n) continue;
        expect(Math.abs(n.x - other.x) >= nodeSize.width || Math.abs(n.y - other.y) >= nodeSize.height).toBe(true);
      }
    }
  });

  it('is the same picture whatever the order of the answer', () => {
    const nodes = ['a', 'b', 'c'].map(node);
    const edges = [edge('a', 'b'), edge('a', 'c')];
    expect(layoutMap({ nodes: nodes.toReversed(), edges: edges.toReversed() })).toEqual(layoutMap({ nodes, edges }));
  });

  it('survives loops, services that call themselves, and edges to nowhere', () => {
    const { edges } = layoutMap({
      nodes: ['a', 'b'].map(node),
      edges: [edge('a', 'b'), edge('b', 'a'), edge('a', 'a'), edge('a', 'gone')],
    });
    expect(edges).toHaveLength(3);
    for (const e of edges) expect(e.path).not.toContain('NaN');
    expect(layoutMap({ nodes: [], edges: [] }).nodes).toEqual([]);
  });

  it('draws busy edges wider', () => {
    expect(edgeWidth(1000, 1000)).toBe(5);
    expect(edgeWidth(0, 1000)).toBe(1);
    expect(edgeWidth(30, 1000)).toBeGreaterThan(edgeWidth(3, 1000));
  });
});
