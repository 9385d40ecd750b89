// The heatmap: how many spans began in each stretch of time and took so long, durations upwards on a logarithmic scale.

import type { Measure } from '../../api/endpoints';
import type { Band, Figures } from '../../api/model';
import { fractionOf } from '../../parts/chartLayout';
import type { Cell, HeatGrid, Stretch } from '../../parts/heat';
import { instantFromMillis, instantToMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import type { Box } from './view';

/** How many there are, and how many of them failed, in the same bands. */
export const heatMeasures: readonly Measure[] = [
  { measure: 'histogram', field: 'duration', bands: 32 },
  { measure: 'histogram_errors', field: 'duration', bands: 32 },
];

export interface HeatLayout extends HeatGrid {
  /** Nanoseconds at the bottom and the top. */
  low: number;
  high: number;
}

export function layoutHeat(figures: Figures, bounds: Bounds): HeatLayout {
  const { timeline, total } = figures;
  const bands = figures.bands[0] ?? [];
  const at = fractionOf(bounds);
  const columns: Stretch[] = [];
  const cells: Cell[] = [];
  for (let i = 0; i < (timeline?.buckets ?? 0); i++) {
    const from = instantToMillis(timeline!.start) + i * timeline!.stepSeconds * 1000;
    const to = from + timeline!.stepSeconds * 1000;
    if (at(to) <= 0 || at(from) >= 1) continue;
    const column = columns.push({ from, to, start: at(from), end: at(to) }) - 1;
    total.cells[0]?.[i]?.forEach((count, row) => {
      if (count > 0) cells.push({ column, row, count, errors: total.cells[1]?.[i]?.[row] ?? 0 });
    });
  }
  return { columns, cells, most: Math.max(...cells.map((cell) => cell.count), 1), ...scaleOf(bands) };
}

/** Bands by their logarithms. What took no time has none: it stands below all others, in a row as high as the lowest. */
function scaleOf(bands: readonly Band[]): Pick<HeatLayout, 'rows' | 'low' | 'high'> {
  const timed = bands.filter((band) => band.from > 0);
  const lowest = timed[0];
  const high = Math.max(timed.at(-1)?.to ?? 0, lowest?.from ?? 0, 2);
  const first = lowest?.from ?? 1;
  const below = bands.some((band) => band.from <= 0)
    ? (first * first) / Math.max(lowest?.to ?? 2, first * 1.01)
    : first;
  const low = Math.min(Math.max(below, Number.MIN_VALUE), high / 2);
  const height = Math.log(high / low);
  const place = (value: number) => Math.log(Math.min(Math.max(value, low), high) / low) / height;
  const rows = bands.map(({ from, to }) => ({ from, to, start: place(from), end: place(from <= 0 ? first : to) }));
  return { rows, low, high };
}

/** All cells that a rectangle touches, given in fractions from the left and from the bottom, as a box; undefined where there are none. */
export function boxOf(
  { columns, rows }: HeatLayout,
  rectangle: { left: number; right: number; bottom: number; top: number },
): Box | undefined {
  const touched = (stretches: readonly Stretch[], low: number, high: number) =>
    stretches.filter(({ start, end }) => start <= high && end > low);
  const across = touched(columns, rectangle.left, rectangle.right);
  const up = touched(rows, rectangle.bottom, rectangle.top);
  if (across.length === 0 || up.length === 0) return undefined;
  return {
    from: instantFromMillis(Math.min(...across.map((stretch) => stretch.from))),
    to: instantFromMillis(Math.max(...across.map((stretch) => stretch.to))),
    shortest: Math.min(...up.map((stretch) => stretch.from)),
    longest: Math.max(...up.map((stretch) => stretch.to)),
  };
}

/** Where a box stands in the plot, in fractions from the left and from the bottom. */
export function placeOfBox({ low, high }: HeatLayout, bounds: Bounds, box: Box) {
  const at = fractionOf(bounds);
  const up = (value: number) => Math.min(Math.max(Math.log(Math.max(value, low) / low) / Math.log(high / low), 0), 1);
  return {
    left: at(instantToMillis(box.from)),
    right: at(instantToMillis(box.to)),
    bottom: up(box.shortest),
    top: up(box.longest),
  };
}
