import { describe, expect, it } from 'vitest';
import type { Filter } from '../../api/endpoints';
import { node } from './example';
import { edgeFilters, edgeKey, found, mapSearch } from './map';

const about = (field: string, value: string): Filter => ({ field, operator: 'eq', value });
const cart = node('service//cart', { name: 'cart', filters: [about('service', 'cart')] });
const web = node('service//web', { name: 'web', filters: [about('service', 'web')] });
const database = node('database//orders', {
  name: 'orders',
  type: 'database',
  filters: [about('attributes.db.namespace', 'orders')],
});

describe('the page of the map', () => {
  it('finds the traces over an edge', () => {
    expect(edgeFilters(web, cart)).toEqual([
      about('service', 'cart'),
      { relation: 'parent', filters: [about('service', 'web')] },
    ]);
    expect(edgeFilters(cart, database)).toEqual([about('service', 'cart'), about('attributes.db.namespace', 'orders')]);
    expect(edgeFilters(cart, node('external//(others)', { type: 'external' }))).toBeUndefined();
  });

  it('finds nodes by a part of their name, and what is called exactly so first', () => {
    const nodes = [node('1', { name: 'cart-cache' }), node('2', { name: 'Cart' }), node('3', { name: 'web' })];
    expect(found(nodes, 'cart').map(({ id }) => id)).toEqual(['2', '1']);
    expect(found(nodes, ' ')).toEqual([]);
    expect(found(nodes, undefined)).toEqual([]);
  });

  it('has what it shows in the address', () => {
    const search = {
      node: 'a',
      edge: edgeKey({ source: 'a', target: 'b' }),
      find: 'x',
      group: 'namespace',
      at: '1,2,3',
    };
    expect(mapSearch({ ...search, namespace: 'shop', own: '1' })).toEqual({ ...search, namespace: 'shop', own: '1' });
    expect(mapSearch({ group: 'colour', own: '0' })).toEqual({});
  });
});
