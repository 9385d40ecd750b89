import { describe, expect, it } from 'vitest';
import type { Answer } from '../api/model';
import { instantFromMillis } from '../time/instant';
import {
  bandPath,
  barsPath,
  bucketAt,
  bucketsOf,
  extentOf,
  gapsOf,
  greatest,
  linePath,
  momentAt,
  scaleOf,
  stacked,
  valueScale,
  valueTicks,
  type Layer,
} from './chartLayout';

const at = (seconds: number) => instantFromMillis(seconds * 1000);
const timeline = { start: at(0), stepSeconds: 60, buckets: 3 };
const bounds = { from: at(30), to: at(150) };
const layer = (label: string, ...values: (number | undefined)[]): Layer => ({ label, colour: 'red', values });
const size = { width: 120, height: 100, top: 10 };

describe('a chart over time', () => {
  it('has its buckets where they are in the range', () => {
    expect(bucketsOf(timeline, bounds).map(({ left, right }) => [left, right])).toEqual([
      [0, 0.25],
      [0.25, 0.75],
      [0.75, 1],
    ]);
    expect(bucketAt(bucketsOf(timeline, bounds), 0.5)).toBe(1);
    expect(bucketAt(bucketsOf(timeline, bounds), 1)).toBeUndefined();
  });

  it('stands layers on each other', () => {
    const layers = [layer('ok', 4, undefined, 1), layer('failed', 2, 3, 0)];
    expect(stacked(layers).map(({ ends }) => ends)).toEqual([
      [
        [0, 4],
        [0, 0],
        [0, 1],
      ],
      [
        [4, 6],
        [0, 3],
        [1, 1],
      ],
    ]);
    expect(greatest(layers, [])).toBe(6);
    expect(greatest(layers, [layer('p99', 9)])).toBe(9);
    expect(greatest([], [])).toBe(0);
  });

  it('has a scale of round values that the greatest fits under', () => {
    expect(valueTicks(9)).toEqual([5, 10]);
    expect(valueTicks(1)).toEqual([0.5, 1]);
    expect(valueTicks(74e6)).toEqual([25e6, 50e6, 75e6]);
    expect(valueTicks(0)).toEqual([1]);
  });

  it('has room below zero, and begins elsewhere where values that may lie anywhere are far from it', () => {
    expect(valueScale(0, 9)).toEqual({ low: 0, high: 10, ticks: [5, 10] });
    expect(valueScale(980, 1_000)).toMatchObject({ low: 0, high: 1_000 });
    expect(valueScale(980, 1_000, true)).toEqual({ low: 980, high: 1_000, ticks: [980, 990, 1_000] });
    expect(valueScale(100, 1_000, true)).toMatchObject({ low: 0 });
    expect(valueScale(-4, 9)).toEqual({ low: -5, high: 10, ticks: [-5, 0, 5, 10] });
    expect(valueScale(-1_000, -980, true)).toMatchObject({ low: -1_000, high: -980 });
    expect(valueScale(7, 7, true)).toMatchObject({ low: 7, high: 8 });
    expect(valueScale(NaN, NaN)).toEqual({ low: 0, high: 1, ticks: [1] });
    const huge = valueScale(1e20, 1e20 + 16_384, true);
    expect(huge.low).toBeLessThan(huge.high);
    expect(extentOf([[undefined, 3, -2], [7]])).toEqual([-2, 7]);
    expect(extentOf([[undefined], []])).toEqual([NaN, NaN]);
  });

  it('draws what is there as bars, and nothing where there is nothing', () => {
    const buckets = bucketsOf(timeline, bounds);
    expect(
      barsPath(
        buckets,
        [
          [0, 5],
          [5, 5],
          [0, 0.001],
        ],
        size,
      ),
    ).toBe('M0,100v-50h29v50zM90,100v-1h29v1z');
  });

  it('draws lines that are broken where there is nothing', () => {
    const buckets = bucketsOf(timeline, bounds);
    expect(linePath(buckets, [10, 5, 0], size)).toBe('M15,0L60,50L105,100');
    expect(linePath(buckets, [undefined, 5, undefined], size)).toBe('M30,50H90');
    expect(linePath(buckets, [10, 5, 7.5], { ...size, bottom: 5 })).toBe('M15,0L60,100L105,50');
  });

  it('draws a band between two values, broken where there is nothing', () => {
    const buckets = bucketsOf(timeline, bounds);
    const band = (low: (number | undefined)[], high: (number | undefined)[]) => ({ label: 'others', low, high });
    expect(bandPath(buckets, band([0, 2, undefined], [10, 4, 3]), size)).toBe(
      'M0,0L15,0L60,60L90,60L90,80L60,80L15,100L0,100z',
    );
    expect(bandPath(buckets, band([undefined, 0, undefined], [1, 10, 1]), size)).toBe(
      'M30,0L60,0L90,0L90,100L60,100L30,100z',
    );
    expect(bandPath(buckets, band([], []), size)).toBe('');
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
    expect(gapsOf(answer(undefined, at(60)), bounds)).toEqual({ cut: 0.25, open: undefined });
    expect(gapsOf(answer(200_000), bounds)).toEqual({ cut: undefined, open: undefined });
  });
});

it('is read from the left and from the bottom', () => {
  expect(momentAt(bounds, 0.25)).toBe(60_000);
  expect(scaleOf({ low: 0, high: 10, ticks: [5, 10] }, String)).toEqual([
    { at: 0.5, label: '5' },
    { at: 1, label: '10' },
  ]);
  expect(scaleOf({ low: -5, high: 5, ticks: [0] }, String)).toEqual([{ at: 0.5, label: '0' }]);
  expect(bucketsOf(undefined, bounds)).toEqual([]);
});
