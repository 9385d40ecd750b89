import { describe, expect, it } from 'vitest';
import { example } from '../../filter/example';
import { grammarOf } from '../../filter/grammar';
import { hasFilters, traceFilters, traceSearch } from './filters';

const grammar = grammarOf(example, 'traces');

describe('trace filters', () => {
  it('mean what the address says', () => {
    const search = traceSearch({
      service: 'cart',
      operation: 'GET /',
      min: '250ms',
      errors: '1',
      where: ['kind=server'],
    });
    expect(traceFilters(search, grammar)).toEqual([
      { field: 'service', operator: 'eq', value: 'cart' },
      { field: 'name', operator: 'eq', value: 'GET /' },
      { field: 'duration', operator: 'gte', value: 250_000_000 },
      { field: 'status', operator: 'eq', value: 'error' },
      { field: 'kind', operator: 'eq', value: 'server' },
    ]);
  });

  it('leave out what cannot be read', () => {
    expect(traceFilters({ min: 'soon', where: ['=x'] }, grammar)).toEqual([]);
  });

  it('wait for the fields only where something is typed', () => {
    expect(traceFilters({ errors: '1' }, undefined)).toHaveLength(1);
    expect(traceFilters({ errors: '1', where: ['kind=server'] }, undefined)).toBeUndefined();
  });

  it('are absent from a plain address', () => {
    expect(traceSearch({ range: '1h', errors: 'yes', service: '' })).toEqual({});
    expect(hasFilters({})).toBe(false);
    expect(hasFilters({ errors: '1' })).toBe(true);
  });
});
