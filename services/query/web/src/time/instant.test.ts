import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatClock,
  formatDay,
  formatOtherDay,
  formatUTC,
  instantFromMillis,
  instantToMillis,
} from './instant';

const instant = 1_763_906_607_482_019_357n;

describe('instants', () => {
  it('keep every nanosecond', () => {
    expect(formatUTC(instant)).toBe('2025-11-23T14:03:27.482019357Z');
    expect(formatClock(instant, 9).slice(-9)).toBe('482019357');
    expect(formatClock(instant, 3).slice(-3)).toBe('482');
  });

  it('are right before 1970', () => {
    expect(formatUTC(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
  });

  it('convert to milliseconds and back', () => {
    expect(instantToMillis(instant)).toBeCloseTo(1_763_906_607_482.019, 3);
    expect(instantFromMillis(1_763_906_607_482)).toBe(1_763_906_607_482_000_000n);
  });

  it('name the year only when it is another one', () => {
    expect(formatDay(instant, new Date(2025, 5, 1))).toMatch(/^\d+ Nov$/);
    expect(formatDay(instant, new Date(2026, 5, 1))).toMatch(/ 2025$/);
  });

  it('name the day only when it is another one', () => {
    expect(formatOtherDay(instant, new Date(instantToMillis(instant)))).toBe('');
    expect(formatOtherDay(instant, new Date(2025, 5, 1))).toMatch(/ Nov$/);
  });

  it.each([
    [0, 'just now'],
    [12, '12 s ago'],
    [125, '2 min ago'],
    [7_300, '2 h ago'],
    [200_000, '2 d ago'],
  ])('are %d seconds old: %s', (seconds, text) => {
    expect(formatAge(instant, instantToMillis(instant) + seconds * 1000)).toBe(text);
  });
});
