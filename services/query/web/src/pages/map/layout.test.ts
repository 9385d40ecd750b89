import { describe, expect, it } from 'vitest';
import { edge, example, node } from './example';
import { edgeWidth, layoutMap, nodeSize } from './layout';

describe('the service map', () => {
  it('runs from callers on the left to the called on the right', () => {
    const { nodes } = layoutMap({
      nodes: ['db', 'web', 'cart'].map((id) => node(id)),
      edges: [edge('web', 'cart'), edge('cart', 'db')],
    });
    const x = Object.fromEntries(nodes.map((n) => [n.node.id, n.x]));
    expect(x['web']).toBeLessThan(x['cart']!);
    expect(x['cart']).toBeLessThan(x['db']!);
  });

  it('places nodes whatever they are called', () => {
    const ids = ['__proto__', 'constructor', 'toString', '', 'cart'];
    const { nodes, edges } = layoutMap({
      nodes: ids.map((id) => node(id)),
      edges: ids.map((id, i) => edge(id, ids[(i + 1) % ids.length] ?? '')),
    });
    expect(nodes.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))).toBe(true);
    expect(edges).toHaveLength(ids.length);
  });

  it('keeps nodes apart and inside', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const { nodes, width, height } = layoutMap({
      nodes: ids.map((id) => node(id)),
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
    const nodes = ['a', 'b', 'c'].map((id) => node(id));
    const edges = [edge('a', 'b'), edge('a', 'c')];
    expect(layoutMap({ nodes: nodes.toReversed(), edges: edges.toReversed() })).toEqual(layoutMap({ nodes, edges }));
  });

  it('survives loops, services that call themselves, and edges to nowhere', () => {
    const { edges } = layoutMap({
      nodes: ['a', 'b'].map((id) => node(id)),
      edges: [edge('a', 'b'), edge('b', 'a'), edge('a', 'a'), edge('a', 'gone')],
    });
    expect(edges).toHaveLength(3);
    for (const e of edges) expect(e.path).not.toContain('NaN');
    expect(layoutMap({ nodes: [], edges: [] }).nodes).toEqual([]);
  });

  it('puts a frame around the nodes of each namespace, and nothing else into it', () => {
    const map = example(100);
    const { nodes, groups } = layoutMap(map, true);
    expect(groups.map(({ name }) => name)).toEqual(['bank', 'shop']);
    for (const { node: one, x, y } of nodes) {
      for (const group of groups) {
        const inside =
          x - nodeSize.width / 2 >= group.x - 0.5 &&
          x + nodeSize.width / 2 <= group.x + group.width + 0.5 &&
          y - nodeSize.height / 2 >= group.y - 0.5 &&
          y + nodeSize.height / 2 <= group.y + group.height + 0.5;
        expect(inside).toBe(one.namespace === group.name);
      }
    }
    expect(layoutMap(map).groups).toEqual([]);
  });

  it('lets the edges of a node leave and arrive beside each other', () => {
    const ids = ['b', 'c', 'd'];
    const { edges } = layoutMap({
      nodes: ['a', ...ids, 'e'].map((id) => node(id)),
      edges: [...ids.map((id) => edge('a', id)), ...ids.map((id) => edge(id, 'e'))],
    });
    const begins = edges.filter((e) => e.edge.source === 'a').map((e) => /^M[^ ]+/.exec(e.path)?.[0]);
    const ends = edges.filter((e) => e.edge.target === 'e').map((e) => /[^ ]+$/.exec(e.path)?.[0]);
    expect(new Set(begins).size).toBe(3);
    expect(new Set(ends).size).toBe(3);
  });

  it('draws busy edges wider', () => {
    expect(edgeWidth(1000, 1000)).toBe(5);
    expect(edgeWidth(0, 1000)).toBe(1);
    expect(edgeWidth(30, 1000)).toBeGreaterThan(edgeWidth(3, 1000));
  });
});
