import { describe, expect, it } from 'vitest';
import type { Service } from '../../api/model';
import { orderFromText, sortItems } from '../../parts/columns';
import { operationColumns, serviceColumns } from './columns';

const service = (name: string, rate: number, namespace = ''): Service => ({
  name,
  namespace,
  spans: 0,
  basis: 'entry',
  red: { requests: 0, errors: 0, rate, errorRate: 0, p50: 0, p95: 0, p99: 0 },
  lastSeen: 0n,
});
const services = [service('cart', 5), service('ad', 1), service('email', 5), service('ad', 9, 'a')];
const names = (text: string) =>
  sortItems(services, serviceColumns, orderFromText(serviceColumns, text)).map((s) => `${s.namespace}/${s.name}`);

describe('the table of services', () => {
  it('is by name and namespace at first', () => {
    expect(names('')).toEqual(['/ad', 'a/ad', '/cart', '/email']);
    expect(names('-name')).toEqual(['/email', '/cart', 'a/ad', '/ad']);
  });

  it('sorts by every figure, the greatest first', () => {
    expect(names('-rate')).toEqual(['a/ad', '/cart', '/email', '/ad']);
    const sorting = serviceColumns.filter((column) => column.sort?.first === 'descending').map((column) => column.id);
    expect(sorting).toEqual(['rate', 'errors', 'p50', 'p95', 'p99', 'spans']);
  });

  it('stands over the operations of a service: the columns are the same', () => {
    const places = (columns: readonly { id: string; width: string }[]) =>
      columns.map(({ id, width }) => `${id} ${width}`);
    expect(places(operationColumns('cart'))).toEqual(places(serviceColumns));
  });
});
