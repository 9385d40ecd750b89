import { describe, expect, it } from 'vitest';
import { service } from './example';
import { choiceSearch, findServices, impact, keyOf, namespacesOf, servicesSearch } from './services';

const services = [
  service({ name: 'cart', namespace: 'shop' }),
  service({ name: 'Checkout', namespace: 'shop' }),
  service({ name: '__proto__', namespace: 'bank' }),
  service({ name: 'ad' }),
];

describe('services', () => {
  it('are found by a part of their name or namespace', () => {
    const found = (text: string) => findServices(services, text).map(({ name }) => name);
    expect(found('CHECK')).toEqual(['Checkout']);
    expect(found('shop')).toEqual(['cart', 'Checkout']);
    expect(found('  ')).toHaveLength(4);
    expect(found('proto')).toEqual(['__proto__']);
    expect(found('nobody')).toEqual([]);
  });

  it('have the namespaces that are named', () => {
    expect(namespacesOf(services)).toEqual(['bank', 'shop']);
  });

  it('weigh what they cost: often and slow before rare or quick', () => {
    const red = (rate: number, p95: number) => ({ ...service({}).red, rate, p95 });
    expect(impact({ red: red(100, 50e6) })).toBeCloseTo(5);
    expect(impact({ red: red(1, 2e9) })).toBeCloseTo(2);
  });

  it('of one name in two namespaces are two', () => {
    expect(keyOf({ name: 'a/b', namespace: '' })).not.toBe(keyOf({ name: 'b', namespace: 'a' }));
  });

  it('are chosen in the address', () => {
    expect(servicesSearch({ sort: '-rate', find: 'x', namespace: 'shop', own: '1', range: '1h' })).toEqual({
      sort: '-rate',
      find: 'x',
      namespace: 'shop',
      own: '1',
    });
    expect(choiceSearch({ own: 'yes', namespace: '' })).toEqual({});
  });
});
