import { describe, expect, it } from 'vitest';
import { keepRange } from './time';

const fixed = { from: '2026-01-02T00:00:00.000Z', to: '2026-01-02T01:00:00.000Z' };

describe('the time range of where one was', () => {
  it('comes along where nothing is said of one', () => {
    expect(keepRange<object>({ search: { ...fixed, q: 'a' }, next: () => ({ span: '1' }) })).toEqual({
      ...fixed,
      span: '1',
    });
  });

  it('is gone as a whole where another is chosen', () => {
    expect(keepRange<object>({ search: fixed, next: () => ({ range: '90m' }) })).toEqual({ range: '90m' });
    expect(keepRange<object>({ search: { range: '90m' }, next: () => fixed })).toEqual(fixed);
  });

  it('is gone where the default is chosen, which has no parameter', () => {
    const chosen = { range: undefined, from: undefined, to: undefined };
    expect(keepRange<object>({ search: fixed, next: () => chosen })).toEqual(chosen);
  });
});
