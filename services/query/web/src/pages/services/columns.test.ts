import { describe, expect, it } from 'vitest';
import type { Service } from '../../api/model';
import { orderFromText, sortItems } from '../../parts/columns';
import { defaultOrder, serviceColumns } from './columns';
import { service } from './example';

const covered = { from: 0n, to: 3_600_000_000_000n, seconds: 3_600 };
const columns = serviceColumns(
  { services: [], timeline: undefined, covered, coveredBefore: undefined, keptSince: undefined },
  0,
);
const red = (rate: number, p95: number) => ({ requests: 0, errors: 0, rate, errorRate: 0, p50: 0, p95, p99: 0 });
const services = [
  service({ name: 'cart', red: red(5, 1e6) }),
  service({ name: 'ad', red: red(1, 90e6) }),
  service({ name: 'email', red: red(5, 2e6) }),
  service({ name: 'ad', namespace: 'a', red: red(9, 1e6) }),
];
const sorted = (items: readonly Service[], text: string | undefined) =>
  sortItems(items, columns, orderFromText(columns, text ?? defaultOrder)).map((s) => `${s.namespace}/${s.name}`);

describe('the table of services', () => {
  it('begins with those that cost most', () => {
    expect(sorted(services, undefined)).toEqual(['/ad', '/email', 'a/ad', '/cart']);
  });

  it('sorts by name and namespace', () => {
    expect(sorted(services, 'name')).toEqual(['/ad', 'a/ad', '/cart', '/email']);
    expect(sorted(services, '-name')).toEqual(['/email', '/cart', 'a/ad', '/ad']);
  });

  it('sorts by every figure, the greatest first', () => {
    expect(sorted(services, '-rate')).toEqual(['a/ad', '/cart', '/email', '/ad']);
    const sorting = columns.filter((column) => column.sort?.first === 'descending').map((column) => column.id);
    expect(sorting).toEqual(['rate', 'errors', 'p50', 'p95', 'p99', 'impact', 'first', 'last']);
  });

  it('has columns that stay where they are, whatever is in them', () => {
    for (const { width, narrow } of columns) expect(`${width} ${narrow ?? ''}`).not.toMatch(/auto|content/);
  });
});
