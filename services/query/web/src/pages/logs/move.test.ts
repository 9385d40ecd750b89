import { expect, it } from 'vitest';
import { moved } from './move';

it('moves an item to a place, and nothing where there is none', () => {
  expect(moved(['a', 'b', 'c'], 0, 2)).toEqual(['b', 'c', 'a']);
  expect(moved(['a', 'b', 'c'], 2, 0)).toEqual(['c', 'a', 'b']);
  expect(moved(['a', 'b', 'c'], 1, 0)).toEqual(['b', 'a', 'c']);
  for (const [from, to] of [
    [0, -1],
    [2, 3],
    [9, 0],
    [1, 1],
    [-1, 1],
  ] as const) {
    expect(moved(['a', 'b', 'c'], from, to)).toEqual(['a', 'b', 'c']);
  }
});
