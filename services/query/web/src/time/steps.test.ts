import { describe, expect, it } from 'vitest';
import { instantFromMillis } from './instant';
import { stepFor } from './steps';

const over = (minutes: number) => stepFor({ from: 0n, to: instantFromMillis(minutes * 60_000 + 5_000) });

describe('the buckets of a range', () => {
  it('are at most as many as can be told apart', () => {
    expect([5, 15, 30, 60, 180, 360, 720, 1440, 7 * 1440].map(over)).toEqual([
      5, 10, 30, 60, 120, 300, 600, 1_200, 7_200,
    ]);
  });

  it('are whole minutes from half an hour on, and days where it is long', () => {
    for (const minutes of [91, 100, 1_000, 10_000, 100_000]) expect(over(minutes) % 60).toBe(0);
    expect(over(400 * 1440)).toBe(5 * 86_400);
  });

  it('are seconds at least', () => {
    expect(stepFor({ from: 0n, to: 1n })).toBe(1);
  });
});
