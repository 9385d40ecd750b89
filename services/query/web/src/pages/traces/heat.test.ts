import { describe, expect, it } from 'vitest';
import type { Figures } from '../../api/model';
import { cellAt, shade } from '../../parts/heat';
import { instantFromMillis } from '../../time/instant';
import { boxOf, layoutHeat, placeOfBox } from './heat';

const bounds = { from: 0n, to: instantFromMillis(120_000) };
const figures: Figures = {
  groups: [],
  other: undefined,
  total: {
    values: [],
    items: 8,
    figures: [],
    series: [],
    cells: [
      [
        [0, 5, 0],
        [1, 0, 2],
      ],
      [
        [0, 1, 0],
        [0, 0, 2],
      ],
    ],
  },
  timeline: { start: 0n, stepSeconds: 60, buckets: 2 },
  covered: { from: 0n, to: 0n, seconds: 0 },
  bands: [
    [
      { from: 0, to: 1 },
      { from: 1e6, to: 1e7 },
      { from: 1e8, to: 1e9 },
    ],
    [],
  ],
};

describe('the heatmap', () => {
  const layout = layoutHeat(figures, bounds);

  it('has a cell wherever something is', () => {
    expect(layout.cells).toEqual([
      { column: 0, row: 1, count: 5, errors: 1 },
      { column: 1, row: 0, count: 1, errors: 0 },
      { column: 1, row: 2, count: 2, errors: 2 },
    ]);
    expect(layout.most).toBe(5);
  });

  it('stands durations on a logarithmic scale, with what took no time below', () => {
    const [none, short, long] = layout.rows;
    expect(layout.low).toBeCloseTo(1e5);
    expect(layout.high).toBe(1e9);
    expect(none!.start).toBe(0);
    expect(none!.end).toBeCloseTo(0.25);
    expect([short!.start, short!.end, long!.start, long!.end].map((at) => at.toFixed(2))).toEqual([
      '0.25',
      '0.50',
      '0.75',
      '1.00',
    ]);
  });

  it('finds the cell under the pointer', () => {
    expect(cellAt(layout, 0.2, 0.3)?.count).toBe(5);
    expect(cellAt(layout, 0.2, 0.9)).toBeUndefined();
  });

  it('makes a box of all cells that are touched, by a click of one', () => {
    expect(boxOf(layout, { left: 0.6, right: 0.6, bottom: 0.8, top: 0.8 })).toEqual({
      from: instantFromMillis(60_000),
      to: instantFromMillis(120_000),
      shortest: 1e8,
      longest: 1e9,
    });
    expect(boxOf(layout, { left: 0.1, right: 0.7, bottom: 0.3, top: 0.8 })).toMatchObject({
      shortest: 1e6,
      longest: 1e9,
    });
    expect(boxOf(layout, { left: 0.1, right: 0.7, bottom: 0.6, top: 0.7 })).toBeUndefined();
  });

  it('shows a box where it was chosen', () => {
    const box = boxOf(layout, { left: 0.6, right: 0.6, bottom: 0.8, top: 0.8 })!;
    const place = placeOfBox(layout, bounds, box);
    expect(place).toMatchObject({ left: 0.5, right: 1, top: 1 });
    expect(place.bottom).toBeCloseTo(0.75);
  });

  it('survives a range without anything', () => {
    const none = layoutHeat({ ...figures, bands: [[], []], timeline: undefined }, bounds);
    expect(none.cells).toEqual([]);
    expect(Number.isFinite(none.high / none.low)).toBe(true);
  });

  it('shows one beside thousands', () => {
    expect(shade(1, 10_000)).toBeGreaterThan(0.2);
    expect(shade(10_000, 10_000)).toBe(1);
  });
});
