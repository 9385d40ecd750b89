import { expect, it } from 'vitest';
import { logSearch } from './filters';

it('reads the address', () => {
  expect(logSearch({ q: 'timeout', body: 'x y', severity: 'warn' })).toEqual({
    q: '(timeout) and severity >= warn and "x y"',
  });
  expect(logSearch({})).toEqual({});
});
