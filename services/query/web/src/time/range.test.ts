import { describe, expect, it } from 'vitest';
import {
  defaultRange,
  lengthFromText,
  lengthOf,
  millisOf,
  pinned,
  rangeFromSearch,
  rangeLabel,
  rangeToSearch,
  resolveRange,
  widened,
} from './range';

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
    const sliding = resolveRange({ kind: 'sliding', last: '5m' }, now);
    expect(sliding.from).toBe(BigInt(now - 300_000) * 1_000_000n);
    expect(sliding.to).toBeGreaterThanOrEqual(BigInt(now) * 1_000_000n);
    const fixed = rangeFromSearch({ from, to });
    expect(resolveRange(fixed, now)).toEqual(resolveRange(fixed, now + 1e9));
  });

  it('has a short name', () => {
    expect(rangeLabel({ kind: 'sliding', last: '24h' })).toBe('Last 24 hours');
    expect(rangeLabel(rangeFromSearch({ from, to }), new Date(from))).toContain('–');
  });

  it('may be of any length', () => {
    expect(rangeFromSearch({ range: '90m' })).toEqual({ kind: 'sliding', last: '90m' });
    expect(rangeLabel({ kind: 'sliding', last: '90m' })).toBe('Last 90 minutes');
    expect(rangeLabel({ kind: 'sliding', last: '1h' })).toBe('Last hour');
    expect(millisOf('2w')).toBe(14 * 86_400_000);
    for (const none of ['0m', '1.5h', 'h', '-5m', '5y', '9999999d', '']) expect(lengthFromText(none)).toBeUndefined();
    expect([90_000, 3_600_000, 90 * 60_000, 86_400_000, 7 * 86_400_000].map(lengthOf)).toEqual([
      '2m',
      '1h',
      '90m',
      '24h',
      '7d',
    ]);
  });

  it('widens around its middle, and not beyond now', () => {
    const now = Date.UTC(2026, 10, 23, 12);
    expect(widened({ kind: 'sliding', last: '1h' }, now)).toEqual({ kind: 'sliding', last: '2h' });
    const fixed = rangeFromSearch({ from, to }); // 10:00 to 11:30
    expect(rangeToSearch(widened(fixed, now + 86_400_000))).toEqual({
      from: '2026-11-23T09:15:00.000Z',
      to: '2026-11-23T12:15:00.000Z',
    });
    expect(rangeToSearch(widened(fixed, Date.parse(to)))).toEqual({
      from: '2026-11-23T08:30:05.000Z',
      to: '2026-11-23T11:30:05.000Z',
    });
    // What begins in the future does not move to where it ends before.
    expect(widened(fixed, 0)).toMatchObject({ to: new Date(to) });
  });

  it.each([
    ['2026-01-01T00:00:00Z', '+275760-09-13T00:00:00.000Z'],
    ['-271821-04-20T00:00:00.000Z', '2026-01-01T00:00:00Z'],
  ])('is the default where it reaches from %s to %s, of which there can be nothing', (from, to) => {
    expect(rangeFromSearch({ from, to })).toEqual(defaultRange);
  });

  it('shows the same to whoever opens its link', () => {
    const now = Date.UTC(2026, 10, 23, 12);
    expect(rangeToSearch(pinned({ kind: 'sliding', last: '1h' }, now))).toEqual({
      from: '2026-11-23T11:00:00.000Z',
      to: '2026-11-23T12:00:05.000Z',
    });
  });
});
