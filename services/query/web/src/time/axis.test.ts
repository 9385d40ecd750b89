import { describe, expect, it } from 'vitest';
import { clockTicks, durationTicks, logTicks, niceStep } from './axis';

describe('axes', () => {
  it('step by round numbers', () => {
    expect(niceStep(1.2e6)).toBe(2e6);
    expect(niceStep(2e6)).toBe(2e6);
    expect(niceStep(2.3e6)).toBe(2.5e6);
    expect(niceStep(4e6)).toBe(5e6);
    expect(niceStep(70e9)).toBe(120e9);
    expect(niceStep(0)).toBe(1);
  });

  it('tick a whole trace from zero', () => {
    expect(durationTicks(0, 100e6, 5).map((t) => t.label)).toEqual([
      '0 ms',
      '20 ms',
      '40 ms',
      '60 ms',
      '80 ms',
      '100 ms',
    ]);
    expect(durationTicks(0, 100e6, 5).at(-1)?.at).toBe(1);
  });

  it('tick a zoomed window at the same round places', () => {
    expect(durationTicks(33e6, 61e6, 3).map((t) => t.label)).toEqual(['40 ms', '50 ms', '60 ms']);
  });

  it('survive a trace without length', () => {
    expect(durationTicks(0, 0, 5)).toEqual([{ at: 0, label: '0 ms' }]);
    expect(clockTicks(5, 5, 4)).toEqual([]);
    expect(logTicks(1e6, 1e6)).toEqual([]);
  });

  it('tick the clock at round minutes', () => {
    const start = new Date(2026, 10, 23, 14, 1).getTime();
    expect(clockTicks(start, start + 15 * 60_000, 3).map((t) => t.label)).toEqual(['14:05', '14:10', '14:15']);
  });

  it('tick decades', () => {
    expect(logTicks(0.5e6, 2e9).map((t) => t.label)).toEqual(['1 ms', '10 ms', '100 ms', '1 s']);
  });
});
