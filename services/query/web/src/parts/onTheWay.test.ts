import { describe, expect, it } from 'vitest';
import { onTheWay } from './onTheWay';

describe('what is on the way', () => {
  it('is counted in messages, which are more than requests', () => {
    expect(onTheWay(1)).toBe('; 1 message of the queue, each of one request or more, is on the way.');
    expect(onTheWay(2300)).toMatch(/^; 2.?300 messages of the queue, each of one request or more, are on the way\.$/);
  });

  it('is not told where nothing is, or nobody knows', () => {
    expect(onTheWay(0)).toBe('.');
    expect(onTheWay(undefined)).toBe('.');
  });
});
