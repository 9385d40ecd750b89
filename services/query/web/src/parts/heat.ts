// Heatmaps: how many there are in each stretch of time and of values.

/** A stretch of an axis: what it stands for, and its fractions of the plot. */
export interface Stretch {
  from: number;
  to: number;
  start: number;
  end: number;
}

export interface Cell {
  /** Places in the columns and in the rows. */
  column: number;
  row: number;
  count: number;
  errors: number;
}

export interface HeatGrid {
  /** In milliseconds, from the left. */
  columns: readonly Stretch[];
  /** From the bottom, in whatever is counted by. */
  rows: readonly Stretch[];
  cells: readonly Cell[];
  /** The greatest count. */
  most: number;
}

/** How much of the colour a cell has, from 0 to 1: by the logarithm, so that one slow span is seen beside thousands. */
export const shade = (count: number, most: number): number =>
  0.18 + 0.82 * (Math.log(1 + count) / Math.log(1 + Math.max(most, 2)));

/** The cell at a place, given in fractions from the left and from the bottom; undefined where nothing is. */
export function cellAt({ columns, rows, cells }: HeatGrid, x: number, y: number): Cell | undefined {
  const column = columns.findIndex((stretch) => x >= stretch.start && x < stretch.end);
  const row = rows.findIndex((stretch) => y >= stretch.start && y < stretch.end);
  return cells.find((cell) => cell.column === column && cell.row === row);
}

/** Where a cell is drawn, in pixels. */
export function placeOfCell({ columns, rows }: HeatGrid, { column, row }: Cell, width: number, height: number) {
  const { start, end } = columns[column]!;
  const { start: bottom, end: top } = rows[row]!;
  return {
    x: start * width,
    width: Math.max((end - start) * width - 1, 1),
    y: (1 - top) * height,
    height: Math.max((top - bottom) * height - 0.5, 1),
  };
}
