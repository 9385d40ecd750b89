import { expect, it } from 'vitest';
import { traceSearch } from './filters';

it('reads the address', () => {
  expect(traceSearch({ q: 'a = 1', scope: 'trace', other: 'x' })).toEqual({ q: 'a = 1', scope: 'trace' });
  expect(traceSearch({ errors: '1', scope: 'galaxy' })).toEqual({ q: 'status = error' });
  expect(traceSearch({})).toEqual({});
});
