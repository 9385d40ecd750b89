import { useElementSize } from '@mantine/hooks';
import { useMemo, useState, type CSSProperties } from 'react';
import type { Answer, Timeline } from '../api/model';
import { useSetTimeRange } from '../route/time';
import { clockTicks } from '../time/axis';
import { formatClock, formatOtherDay, instantFromMillis, instantToMillis, type Instant } from '../time/instant';
import type { Bounds } from '../time/range';
import { useDragSelection } from './drag';
import {
  barsPath,
  bucketAt,
  bucketsOf,
  fractionOf,
  greatest,
  linePath,
  stacked,
  valueTicks,
  type Layer,
} from './chartLayout';
import classes from './TimeChart.module.css';

export interface Mark {
  at: Instant;
  label: string;
}

interface Props {
  /** What it shows, with its figures, for those who cannot see it. */
  label: string;
  timeline: Timeline;
  bounds: Bounds;
  /** Of the plot, in pixels. */
  height: number;
  /** Stand upon each other, the first at the bottom. */
  bars?: readonly Layer[];
  lines?: readonly Layer[];
  /** A value as text. */
  format: (value: number) => string;
  marks?: readonly Mark[];
  /** What it was made of: what is after its watermark may not be here yet. */
  answer: Answer<unknown> | undefined;
}

const none: readonly never[] = [];

/** Figures over the time range as bars or lines. Dragging across it narrows the range. */
export function TimeChart(props: Props) {
  const { label, timeline, bounds, height, bars = none, lines = none, format, marks = none, answer } = props;
  const { ref, width } = useElementSize();
  const buckets = useMemo(() => bucketsOf(timeline, bounds), [timeline, bounds]);
  const ticks = useMemo(() => valueTicks(greatest(bars, lines)), [bars, lines]);
  const top = ticks.at(-1) ?? 1;
  const size = { width, height, top };
  const [pointed, setPointed] = useState<number>();
  const setRange = useSetTimeRange();
  const [start, end] = [instantToMillis(bounds.from), instantToMillis(bounds.to)];
  const { selection, handlers } = useDragSelection(({ from, to }) => {
    const moment = (fraction: number) => new Date(start + fraction * (end - start));
    setRange({ kind: 'fixed', from: moment(from), to: moment(to) });
  });
  const under = selection === undefined && pointed !== undefined ? bucketAt(buckets, pointed) : undefined;
  const bucket = under === undefined ? undefined : buckets[under];
  const at = fractionOf(bounds);
  const watermark = answer?.completeness.watermark;
  const known = watermark === undefined ? 1 : at(watermark.getTime());
  return (
    <figure className={classes.chart} style={{ '--height': `${height}px` } as CSSProperties}>
      <figcaption>
        {[...bars, ...lines].map((layer, i) => (
          <span key={layer.label}>
            <i style={{ background: layer.colour }} data-line={i >= bars.length || undefined} aria-hidden />
            {layer.label}
          </span>
        ))}
      </figcaption>
      <div className={classes.scale} aria-hidden>
        {ticks.map((tick) => (
          <span key={tick} style={{ bottom: `${(tick / top) * 100}%` }}>
            {format(tick)}
          </span>
        ))}
      </div>
      <div
        ref={ref}
        className={classes.plot}
        role="img"
        aria-label={label}
        {...handlers}
        onMouseMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setPointed((event.clientX - box.left) / box.width);
        }}
        onMouseLeave={() => setPointed(undefined)}
      >
        <svg width={width} height={height} aria-hidden>
          {ticks.map((tick) => {
            const y = height - (tick / top) * height;
            return <line key={tick} className={classes.grid} x1={0} x2={width} y1={y} y2={y} />;
          })}
          {bucket !== undefined && (
            <rect
              className={classes.under}
              x={bucket.left * width}
              width={(bucket.right - bucket.left) * width}
              height={height}
            />
          )}
          {stacked(bars).map(({ layer, ends }) => (
            <path key={layer.label} d={barsPath(buckets, ends, size)} style={{ fill: layer.colour }} />
          ))}
          {lines.map((layer) => (
            <path
              key={layer.label}
              className={classes.line}
              d={linePath(buckets, layer.values, size)}
              style={{ stroke: layer.colour }}
            />
          ))}
          {marks.map(({ at: moment, label: name }) => {
            const x = at(instantToMillis(moment)) * width;
            return <line key={`${moment} ${name}`} className={classes.mark} x1={x} x2={x} y1={0} y2={height} />;
          })}
        </svg>
        {marks.map(({ at: moment, label: name }) => {
          const x = at(instantToMillis(moment));
          const side = x > 0.7 ? { right: `${(1 - x) * 100}%` } : { left: `${x * 100}%` };
          return (
            <span key={`${moment} ${name}`} className={classes.marked} style={side} title={name}>
              <bdi>{name}</bdi>
            </span>
          );
        })}
        {known < 1 && (
          <div
            className={classes.open}
            style={{ left: `${known * 100}%` }}
            title="What was accepted from here on may not be here yet"
          />
        )}
        {selection !== undefined && (
          <div
            className={classes.selection}
            style={{ left: `${selection.from * 100}%`, width: `${(selection.to - selection.from) * 100}%` }}
          />
        )}
        {bucket !== undefined && under !== undefined && (
          <div
            className={classes.tip}
            style={
              bucket.left > 0.6
                ? { right: `calc(${(1 - bucket.left) * 100}% + 10px)` }
                : { left: `calc(${bucket.right * 100}% + 10px)` }
            }
          >
            <b>{stretch(bucket.from, bucket.to)}</b>
            {[...bars, ...lines].map((layer) => {
              const value = layer.values[under];
              return [
                <span key={`${layer.label} name`}>{layer.label}</span>,
                <span key={layer.label}>{value === undefined ? '–' : format(value)}</span>,
              ];
            })}
          </div>
        )}
      </div>
      <div className={classes.times} aria-hidden>
        {clockTicks(start, end, Math.max(Math.floor(width / 110), 2)).map((tick) => (
          <span key={tick.at} style={{ left: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
    </figure>
  );
}

/** "14:03:00 – 14:04:00", with the day where that is not today. */
function stretch(from: number, to: number): string {
  const [first, last] = [instantFromMillis(from), instantFromMillis(to)];
  return `${formatOtherDay(first)} ${formatClock(first, 0)} – ${formatClock(last, 0)}`.trim();
}
