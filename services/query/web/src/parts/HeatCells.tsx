import { useMemo } from 'react';
import { placeOfCell, shade, type Cell, type HeatGrid } from './heat';
import classes from './HeatCells.module.css';

interface Props {
  grid: HeatGrid;
  /** The cell that is pointed at. */
  under: Cell | undefined;
  width: number;
  height: number;
}

/** The cells of a heatmap, in a drawing: the more there are the darker, and what failed of them in red. */
export function HeatCells({ grid, under, width, height }: Props) {
  return (
    <>
      <Cells grid={grid} width={width} height={height} />
      {under !== undefined && <rect className={classes.under} {...placeOfCell(grid, under, width, height)} />}
    </>
  );
}

function Cells({ grid, width, height }: Omit<Props, 'under'>) {
  return useMemo(
    () =>
      grid.cells.map((cell) => {
        const place = placeOfCell(grid, cell, width, height);
        return (
          <g key={`${cell.column} ${cell.row}`}>
            <rect
              className={classes.cell}
              {...place}
              fillOpacity={shade(cell.count, grid.most)}
              data-count={cell.count}
            />
            {cell.errors > 0 && (
              <rect
                className={classes.failed}
                {...place}
                width={Math.max((place.width * cell.errors) / cell.count, 2)}
              />
            )}
          </g>
        );
      }),
    [grid, width, height],
  );
}
