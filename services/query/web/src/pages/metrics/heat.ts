// The heatmap of a histogram: how much was observed in each stretch of time and of values. All rows are equally high: the bounds of
// histograms are as far apart as they are of interest, and those of exponential ones grow by one factor.

import type { MetricHeat, Timeline } from '../../api/model';
import { bucketsOf } from '../../parts/chartLayout';
import type { Cell, HeatGrid, Stretch } from '../../parts/heat';
import type { Tick } from '../../time/axis';
import type { Bounds } from '../../time/range';

/** From the lowest row in which anything is to the highest; undefined where there is nothing. */
export function layoutMetricHeat(heat: MetricHeat, timeline: Timeline, bounds: Bounds): HeatGrid | undefined {
  const { edges, counts } = heat;
  let [low, high] = [Infinity, -Infinity];
  for (const of of counts)
    of?.forEach((count, row) => {
      if (count > 0) [low, high] = [Math.min(low, row), Math.max(high, row)];
    });
  if (low > high) return undefined;
  const height = 1 / (high - low + 1);
  const rows: Stretch[] = [];
  for (let row = low; row <= high; row++) {
    const start = (row - low) * height;
    rows.push({ from: edges[row] ?? -Infinity, to: edges[row + 1] ?? Infinity, start, end: start + height });
  }
  const columns: Stretch[] = [];
  const cells: Cell[] = [];
  bucketsOf(timeline, bounds).forEach(({ from, to, left, right }, i) => {
    if (right <= left) return;
    const column = columns.push({ from, to, start: left, end: right }) - 1;
    counts[i]?.forEach((count, row) => {
      if (count > 0) cells.push({ column, row: row - low, count, errors: 0 });
    });
  });
  return { columns, rows, cells, most: cells.reduce((most, { count }) => Math.max(most, count), 1) };
}

/** What stands at the edges between rows: as many as there is room for. */
export function edgeTicks({ rows }: HeatGrid, format: (value: number) => string, most = 7): Tick[] {
  const edges = [
    ...rows.map(({ from, start }) => ({ value: from, at: start })),
    { value: rows.at(-1)?.to ?? 0, at: 1 },
  ];
  const told = edges.filter(({ value }) => Number.isFinite(value));
  const step = Math.max(Math.ceil((told.length - 1) / (most - 1)), 1);
  return told.filter((_, i) => i % step === 0).map(({ value, at }) => ({ at, label: format(value) }));
}

/** Where a value stands, as a fraction from the bottom; undefined where there is no row for it. */
export function heightOf({ rows }: HeatGrid, value: number): number | undefined {
  const row = rows.find(({ from, to }) => value > from && value <= to);
  if (row === undefined) return undefined;
  const part = (value - row.from) / (row.to - row.from);
  return row.start + (row.end - row.start) * (Number.isFinite(part) ? part : 0.5);
}
