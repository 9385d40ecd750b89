import { describe, expect, it } from 'vitest';
import type { Answer, Figures } from '../../api/model';
import { instantFromMillis } from '../../time/instant';
import { barAt, gapsOf, layoutStrip, linePath, roundUp } from './bars';

const bounds = { from: instantFromMillis(30_000), to: instantFromMillis(150_000) };

const figures: Figures = {
  groups: [],
  other: undefined,
  total: {
    values: [],
    items: 9,
    figures: [],
    // count, errors, rate, p50, p95
    series: [
      [4, 0, 5],
      [0, 0, 2],
      [0.13, 0, 0.08],
      [1e6, undefined, 1e6],
      [3e6, undefined, 74e6],
    ],
    cells: [],
  },
  timeline: { start: 0n, stepSeconds: 60, buckets: 3 },
  covered: { from: 0n, to: 0n, seconds: 0 },
  bands: [],
};

describe('the strip', () => {
  const layout = layoutStrip(figures, bounds);

  it('has a bar for each bucket, cut at the ends of the range', () => {
    expect(layout.bars.map(({ left, right, count, errors }) => [left, right, count, errors])).toEqual([
      [0, 0.25, 4, 0],
      [0.25, 0.75, 0, 0],
      [0.75, 1, 5, 2],
    ]);
    expect(layout.topRate).toBe(0.2);
    expect(layout.topP95).toBe(100e6);
  });

  it('breaks the line where nothing is', () => {
    expect(linePath(layout, 100, 100)).toBe('M12.5 97.0h0M87.5 26.0h0');
    const whole = { ...layout, bars: layout.bars.map((bar) => ({ ...bar, p95: 50e6 })) };
    expect(linePath(whole, 100, 100)).toBe('M12.5 50.0h0L50.0 50.0L87.5 50.0');
  });

  it('finds the bar under the pointer', () => {
    expect(barAt(layout.bars, 0.8)?.count).toBe(5);
    expect(barAt(layout.bars, 1)).toBeUndefined();
  });

  it('is empty for no buckets', () => {
    expect(layoutStrip({ ...figures, timeline: undefined }, bounds)).toEqual({ bars: [], topRate: 1, topP95: 1 });
  });
});

describe('the parts of which less is known', () => {
  const answer = (watermark: number | undefined, since?: bigint) =>
    ({
      completeness: { watermark: watermark === undefined ? undefined : new Date(watermark) },
      since,
    }) as Answer<unknown>;

  it('are what is behind the watermark and what was not looked at', () => {
    expect(gapsOf(answer(120_000), bounds)).toEqual({ cut: undefined, open: 0.75 });
    expect(gapsOf(answer(undefined, instantFromMillis(60_000)), bounds)).toEqual({ cut: 0.25, open: undefined });
    expect(gapsOf(answer(200_000), bounds)).toEqual({ cut: undefined, open: undefined });
  });
});

it('rounds scales up to figures that people read', () => {
  expect([0, 0.013, 1, 1.2, 4, 6, 74e6].map(roundUp)).toEqual([1, 0.02, 1, 2, 5, 10, 100e6]);
});
