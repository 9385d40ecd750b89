import { describe, expect, it } from 'vitest';
import { instantFromMillis } from '../../time/instant';
import { edgeTicks, heightOf, layoutMetricHeat } from './heat';

const timeline = { start: 0n, stepSeconds: 60, buckets: 3 };
const bounds = { from: 0n, to: instantFromMillis(120_000) };
const layout = (edges: number[], ...counts: (number[] | undefined)[]) =>
  layoutMetricHeat({ edges, counts }, timeline, bounds);

describe('the heatmap of a histogram', () => {
  it('has rows as far as anything is in them, equally high, and columns as far as they are in the range', () => {
    const grid = layout([-Infinity, 1, 10, 100, Infinity], [0, 3, 0, 0], undefined, [0, 9, 9, 9])!;
    expect(grid.rows.map(({ from, to, start, end }) => [from, to, start, end])).toEqual([
      [1, 10, 0, 1 / 3],
      [10, 100, 1 / 3, 2 / 3],
      [100, Infinity, 2 / 3, 1],
    ]);
    expect(grid.columns.map(({ from, start, end }) => [from, start, end])).toEqual([
      [0, 0, 0.5],
      [60_000, 0.5, 1],
    ]);
    expect(grid.cells).toEqual([{ column: 0, row: 0, count: 3, errors: 0 }]);
    expect(grid.most).toBe(3);
    expect(layout([0, 1], [0], undefined)).toBeUndefined();
    expect(layout([])).toBeUndefined();
  });

  it('tells the edges between rows, but none without an end, and no more than there is room for', () => {
    const grid = layout([-Infinity, 1, 10, Infinity], [1, 1, 1])!;
    expect(edgeTicks(grid, String)).toEqual([
      { at: 1 / 3, label: '1' },
      { at: 2 / 3, label: '10' },
    ]);
    const many = layout(
      Array.from({ length: 161 }, (_, i) => 2 ** i),
      new Array<number>(160).fill(1),
    )!;
    expect(edgeTicks(many, String).length).toBeLessThanOrEqual(7);
  });

  it('has a place for what was observed', () => {
    const grid = layout([0, 1, 10, Infinity], [1, 1, 1])!;
    expect(heightOf(grid, 1)).toBeCloseTo(1 / 3);
    expect(heightOf(grid, 5.5)).toBeCloseTo(0.5);
    expect(heightOf(grid, 1e9)).toBeCloseTo(2 / 3);
    expect(heightOf(grid, -1)).toBeUndefined();
  });
});
