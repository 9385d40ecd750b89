import { describe, expect, it } from 'vitest';
import type { Service } from '../../api/model';
import { nextOrder, orderFromText, orderToText, sortServices } from './sort';

const service = (name: string, rate: number, errorRate = 0): Service => ({
  name,
  namespace: '',
  spans: 0,
  basis: 'entry',
  red: { requests: 0, errors: 0, rate, errorRate, p50: 0, p95: 0, p99: 0 },
  lastSeen: 0n,
});
const services = [service('cart', 5), service('ad', 1), service('email', 5)];
const names = (text: string) => sortServices(services, orderFromText(text)).map((s) => s.name);

describe('the order of services', () => {
  it('is by name at first', () => {
    expect(names('nonsense')).toEqual(['ad', 'cart', 'email']);
    expect(names('-name')).toEqual(['email', 'cart', 'ad']);
  });

  it('is by figure, then by name', () => {
    expect(names('-rate')).toEqual(['cart', 'email', 'ad']);
    expect(names('rate')).toEqual(['ad', 'cart', 'email']);
  });

  it('turns at the second click and comes back from the address', () => {
    const once = nextOrder(orderFromText(undefined), 'p95');
    expect(once).toEqual({ by: 'p95', descending: true });
    expect(nextOrder(once, 'p95').descending).toBe(false);
    expect(orderFromText(orderToText(once))).toEqual(once);
  });
});
