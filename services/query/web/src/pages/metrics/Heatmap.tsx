import { useMemo, useState } from 'react';
import type { Answer, LineExemplar, MetricHeat, Timeline } from '../../api/model';
import { fractionOf, gapsOf, momentAt } from '../../parts/chartLayout';
import { useDragSelection } from '../../parts/drag';
import { cellAt } from '../../parts/heat';
import { HeatCells } from '../../parts/HeatCells';
import { formatNumber } from '../../parts/number';
import { Plot } from '../../parts/Plot';
import type { Unit } from '../../parts/unit';
import { useSetTimeRange } from '../../route/time';
import { formatClock, instantFromMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import { Exemplars } from './Exemplars';
import { edgeTicks, heightOf, layoutMetricHeat } from './heat';
import classes from './LineChart.module.css';

interface Props {
  label: string;
  heat: MetricHeat;
  timeline: Timeline;
  told: Answer<unknown>;
  bounds: Bounds;
  height: number;
  unit: Unit;
  exemplars: readonly LineExemplar[];
}

/** How what was observed is distributed over time. Dragging across it narrows the range. */
export function Heatmap({ label, heat, timeline, told, bounds, height, unit, exemplars }: Props) {
  const grid = useMemo(() => layoutMetricHeat(heat, timeline, bounds), [heat, timeline, bounds]);
  const [pointed, setPointed] = useState<{ x: number; y: number }>();
  const setRange = useSetTimeRange();
  const { selection, handlers } = useDragSelection(({ from, to }) => {
    const moment = (fraction: number) => new Date(momentAt(bounds, fraction));
    setRange({ kind: 'fixed', from: moment(from), to: moment(to) });
  });
  if (grid === undefined) return null;
  const under = pointed === undefined || selection !== undefined ? undefined : cellAt(grid, pointed.x, pointed.y);
  const column = under === undefined ? undefined : grid.columns[under.column];
  const row = under === undefined ? undefined : grid.rows[under.row];
  const clock = (millis: number) => formatClock(instantFromMillis(millis), 0);
  const at = fractionOf(bounds);
  return (
    <div className={classes.chart}>
      <Plot
        label={label}
        bounds={bounds}
        height={height}
        left={edgeTicks(grid, unit.short)}
        legend={unit.name === '' ? null : <span className={classes.unit}>{unit.name}</span>}
        gaps={gapsOf(told, bounds)}
        marked={selection === undefined ? undefined : { left: selection.from, right: selection.to, bottom: 0, top: 1 }}
        tip={
          under === undefined || column === undefined || row === undefined
            ? undefined
            : {
                at: column.end,
                lines: (
                  <>
                    <b>
                      {clock(column.from)} – {clock(column.to)}
                    </b>
                    <span className={classes.name}>above</span>
                    <span>{Number.isFinite(row.from) ? unit.format(row.from) : '–'}</span>
                    <span className={classes.name}>up to</span>
                    <span>{Number.isFinite(row.to) ? unit.format(row.to) : 'any'}</span>
                    <span className={classes.name}>observations</span>
                    <span>{formatNumber(under.count)}</span>
                  </>
                ),
              }
        }
        over={
          <Exemplars
            exemplars={exemplars}
            unit={unit}
            place={(millis, value) => ({ x: at(millis), y: heightOf(grid, value) })}
          />
        }
        area={{
          ...handlers,
          onMouseMove: (event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setPointed({ x: (event.clientX - box.left) / box.width, y: (box.bottom - event.clientY) / box.height });
          },
          onMouseLeave: () => setPointed(undefined),
        }}
      >
        {(width, tall) => <HeatCells grid={grid} under={under} width={width} height={tall} />}
      </Plot>
    </div>
  );
}
