import { useElementSize } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState, type MouseEvent } from 'react';
import type { TraceSummary } from '../../api/model';
import { useDragSelection } from '../../parts/drag';
import { target } from '../../parts/target';
import { useSetTimeRange } from '../../route/time';
import { clockTicks, logTicks } from '../../time/axis';
import { formatDuration } from '../../time/duration';
import { formatClock } from '../../time/instant';
import type { Bounds } from '../../time/range';
import { layoutScatter, nearestDot, type Dot } from './scatter';
import classes from './TraceChart.module.css';

interface Props {
  traces: readonly TraceSummary[];
  bounds: Bounds;
  hasMore: boolean;
}

/** Durations over time, one dot a trace. A click opens the trace, dragging narrows the time range. */
export function TraceChart({ traces, bounds, hasMore }: Props) {
  const { ref, width, height } = useElementSize();
  const scatter = useMemo(() => layoutScatter(traces, bounds, hasMore), [traces, bounds, hasMore]);
  const [hovered, setHovered] = useState<Dot>();
  const navigate = useNavigate();
  const setRange = useSetTimeRange();
  const { selection, handlers } = useDragSelection(({ from, to }) => {
    const at = (fraction: number) => new Date(scatter.from + fraction * (scatter.to - scatter.from));
    setRange({ kind: 'fixed', from: at(from), to: at(to) });
  });
  const under = (event: MouseEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return nearestDot(scatter.dots, { x: event.clientX - box.left, y: event.clientY - box.top }, { width, height }, 14);
  };
  return (
    <figure className={classes.chart} aria-label="Durations of the traces below, over time">
      <div className={classes.scale} aria-hidden>
        {logTicks(scatter.low, scatter.high).map((tick) => (
          <span key={tick.label} style={{ bottom: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
      <div
        ref={ref}
        className={classes.plot}
        data-hit={hovered !== undefined || undefined}
        {...handlers}
        onMouseMove={(event) => setHovered(under(event))}
        onMouseLeave={() => setHovered(undefined)}
        onClick={(event) => {
          const dot = under(event);
          if (dot !== undefined) void navigate({ to: '/traces/$traceId', params: { traceId: dot.trace.traceId } });
        }}
      >
        <svg width={width} height={height} aria-hidden>
          {logTicks(scatter.low, scatter.high).map((tick) => (
            <line
              key={tick.label}
              className={classes.grid}
              x1={0}
              x2={width}
              y1={(1 - tick.at) * height}
              y2={(1 - tick.at) * height}
            />
          ))}
          {scatter.dots.map(({ trace, x, y }) => (
            <circle
              key={trace.traceId}
              className={trace.errors > 0 ? classes.error : classes.dot}
              cx={x * width}
              cy={(1 - y) * height}
              r={Math.min(2.5 + Math.log2(Math.max(trace.spans, 1)) * 0.35, 6)}
            />
          ))}
          {hovered !== undefined && (
            <circle
              className={classes.ring}
              cx={hovered.x * width}
              cy={(1 - hovered.y) * height}
              r={8}
              data-error={hovered.trace.errors > 0 || undefined}
            />
          )}
        </svg>
        {selection !== undefined && (
          <div
            className={classes.selection}
            style={{ left: `${selection.from * 100}%`, width: `${(selection.to - selection.from) * 100}%` }}
          />
        )}
        {hovered !== undefined && selection === undefined && (
          <div
            className={classes.tip}
            style={{
              top: Math.min((1 - hovered.y) * height, height - 60),
              ...(hovered.x > 0.6 ? { right: (1 - hovered.x) * width + 14 } : { left: hovered.x * width + 14 }),
            }}
          >
            <b>
              {hovered.trace.root.name} {target(hovered.trace.root.name, hovered.trace.root.attributes)}
            </b>
            <span>{hovered.trace.root.service}</span>
            <span>
              {formatDuration(hovered.trace.duration)} at {formatClock(hovered.trace.start)}
            </span>
          </div>
        )}
      </div>
      <div className={classes.times} aria-hidden>
        {clockTicks(scatter.from, scatter.to, Math.max(Math.floor(width / 110), 2)).map((tick) => (
          <span key={tick.at} style={{ left: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
    </figure>
  );
}
