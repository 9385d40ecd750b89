import { describe, expect, it } from 'vitest';
import { rowByKey } from './keys';

describe('keys that move', () => {
  it.each([
    ['ArrowDown', 4, 5],
    ['j', 9, 9],
    ['ArrowUp', 4, 3],
    ['k', 0, 0],
    ['PageDown', 4, 7],
    ['PageDown', 8, 9],
    ['PageUp', 4, 1],
    ['PageUp', 1, 0],
    ['Home', 4, 0],
    ['End', 4, 9],
    ['ArrowDown', -1, 0],
    ['ArrowUp', -1, 0],
  ])('%s leads from row %d of ten to row %d', (key, at, to) => {
    expect(rowByKey(key, at, 10, 3)).toBe(to);
  });

  it('are these alone, and lead nowhere in an empty list', () => {
    expect(rowByKey('Enter', 4, 10, 3)).toBeUndefined();
    expect(rowByKey('End', -1, 0, 3)).toBeUndefined();
  });
});
