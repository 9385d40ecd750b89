import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration';

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [1, '1 ns'],
    [950, '950 ns'],
    [1_500, '1.5 µs'],
    [412_000, '412 µs'],
    [999_960, '1 ms'],
    [87_340_000, '87.3 ms'],
    [100_000_000, '100 ms'],
    [999_960_000, '1 s'],
    [1_240_000_000, '1.24 s'],
    [59_900_000_000, '59.9 s'],
    [125_000_000_000, '2m 5s'],
    [3_600_000_000_000, '1h'],
    [11_040_000_000_000, '3h 4m'],
    [90_000_000_000_000, '1d 1h'],
    [-1_500_000, '−1.5 ms'],
  ])('%d → %s', (nanos, text) => {
    expect(formatDuration(nanos)).toBe(text);
  });
});

describe('parseDuration', () => {
  it.each([
    ['250ms', 250e6],
    ['1.5 s', 1.5e9],
    ['2m 30s', 150e9],
    ['40', 40e6],
    ['10us', 10_000],
    ['10 µs', 10_000],
    ['1H', 3600e9],
  ])('%s → %d', (text, nanos) => {
    expect(parseDuration(text)).toBe(nanos);
  });

  it.each(['', 'abc', '5 parsecs', '-3ms', '1..2s', 'ms', '5 constructor'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
