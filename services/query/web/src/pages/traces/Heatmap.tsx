import { useMemo, useState } from 'react';
import type { Answer, Figures } from '../../api/model';
import { gapsOf } from '../../parts/chartLayout';
import { useBoxSelection } from '../../parts/drag';
import { cellAt, type Cell } from '../../parts/heat';
import { HeatCells } from '../../parts/HeatCells';
import { plural } from '../../parts/number';
import { Plot } from '../../parts/Plot';
import { logTicks } from '../../time/axis';
import { formatDuration } from '../../time/duration';
import { formatClock, instantFromMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import type { Basis } from './figures';
import { boxOf, layoutHeat, placeOfBox, type HeatLayout } from './heat';
import type { Box } from './view';

interface Props {
  figures: Answer<Figures>;
  basis: Basis;
  bounds: Bounds;
  box: Box | undefined;
  onBox: (box: Box) => void;
}

/** As much room at the right as the strip of rates has: both show the same time at the same place. */
const none: readonly never[] = [];

/** How many began when and took how long. A click chooses a cell, dragging a box of them. */
export function Heatmap({ figures, basis, bounds, box, onBox }: Props) {
  const layout = useMemo(() => layoutHeat(figures.data, bounds), [figures, bounds]);
  const [pointed, setPointed] = useState<{ x: number; y: number }>();
  const { selection, handlers } = useBoxSelection((rectangle) => {
    const chosen = boxOf(layout, rectangle);
    if (chosen !== undefined) onBox(chosen);
  });
  const under = pointed === undefined || selection !== undefined ? undefined : cellAt(layout, pointed.x, pointed.y);
  const chosen = box === undefined ? undefined : placeOfBox(layout, bounds, box);
  return (
    <Plot
      label={`Durations of ${basis.many} over time, as a heatmap`}
      bounds={bounds}
      height={160}
      left={logTicks(layout.low, layout.high)}
      right={none}
      gaps={gapsOf(figures, bounds)}
      marked={selection ?? chosen}
      tip={
        under === undefined
          ? undefined
          : { at: layout.columns[under.column]!.end, lines: <Told cell={under} layout={layout} basis={basis} /> }
      }
      area={{
        ...handlers,
        onMouseMove: (event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setPointed({
            x: (event.clientX - box.left) / box.width,
            y: (box.bottom - event.clientY) / box.height,
          });
        },
        onMouseLeave: () => setPointed(undefined),
      }}
    >
      {(width, height) => <HeatCells grid={layout} under={under} width={width} height={height} />}
    </Plot>
  );
}

function Told({ cell, layout, basis }: { cell: Cell; layout: HeatLayout; basis: Basis }) {
  const column = layout.columns[cell.column]!;
  const row = layout.rows[cell.row]!;
  const clock = (millis: number) => formatClock(instantFromMillis(millis), 0);
  return (
    <>
      <span>
        {clock(column.from)} – {clock(column.to)}
      </span>
      <span>{formatDuration(row.from)} to</span>
      <span>{formatDuration(row.to)}</span>
      <span>{cell.count.toLocaleString('en-US')}</span>
      <span>{cell.count === 1 ? basis.one : basis.many}</span>
      {cell.errors > 0 && (
        <>
          <span>{cell.errors.toLocaleString('en-US')}</span>
          <span>{plural(cell.errors, 'error').replace(/^\S+ /, '')}</span>
        </>
      )}
    </>
  );
}
