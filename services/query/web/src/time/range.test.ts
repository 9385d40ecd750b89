import { describe, expect, it } from 'vitest';
import { defaultRange, rangeFromSearch, rangeLabel, rangeToSearch, resolveRange } from './range';

const from = '2026-11-23T10:00:00.000Z';
const to = '2026-11-23T11:30:00.000Z';

describe('time range', () => {
  it('makes the way through the URL and back', () => {
    const fixed = rangeFromSearch({ from, to });
    expect(fixed.kind).toBe('fixed');
    expect(rangeToSearch(fixed)).toEqual({ from, to });
    const sliding = rangeFromSearch({ range: '6h' });
    expect(rangeToSearch(sliding)).toEqual({ range: '6h' });
  });

  it('is the default when the URL says nothing or nonsense', () => {
    for (const search of [{}, { range: '99y' }, { from: 'x', to: 'y' }, { from: to, to: from }, { from }]) {
      expect(rangeFromSearch(search)).toEqual(defaultRange);
    }
    expect(rangeToSearch(defaultRange)).toEqual({});
  });

  it('slides with the clock and stays put when fixed', () => {
    const now = Date.UTC(2026, 10, 23, 12);
    const sliding = resolveRange({ kind: 'sliding', preset: '5m' }, now);
    expect(sliding.from).toBe(BigInt(now - 300_000) * 1_000_000n);
    expect(sliding.to).toBeGreaterThanOrEqual(BigInt(now) * 1_000_000n);
    const fixed = rangeFromSearch({ from, to });
    expect(resolveRange(fixed, now)).toEqual(resolveRange(fixed, now + 1e9));
  });

  it('has a short name', () => {
    expect(rangeLabel({ kind: 'sliding', preset: '24h' })).toBe('Last 24 hours');
    expect(rangeLabel(rangeFromSearch({ from, to }), new Date(from))).toContain('–');
  });
});
