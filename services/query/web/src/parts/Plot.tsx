import { useElementSize } from '@mantine/hooks';
import type { CSSProperties, HTMLAttributes, ReactNode } from 'react';
import { clockTicks, type Tick } from '../time/axis';
import { instantToMillis } from '../time/instant';
import type { Bounds } from '../time/range';
import type { Gaps } from './chartLayout';
import type { Rectangle } from './drag';
import classes from './Plot.module.css';

interface Props {
  /** What it shows, with its figures, for those who cannot see it. */
  label: string;
  bounds: Bounds;
  /** Pixels. */
  height: number;
  left: readonly Tick[];
  /** Given where there is a scale at the right, or room for one. */
  right?: readonly Tick[] | undefined;
  /** What its colours stand for; above it. */
  legend?: ReactNode;
  gaps: Gaps;
  /** What is marked, in fractions. */
  marked?: Rectangle | undefined;
  /** The drawing, in pixels. */
  children: (width: number, height: number) => ReactNode;
  /** What stands on the drawing. */
  over?: ReactNode;
  /** What stands beside the pointer: at which fraction of the width, and its lines. The first is a heading. */
  tip?: { at: number; lines: ReactNode } | undefined;
  /** Of the area that is drawn on. */
  area: HTMLAttributes<HTMLDivElement>;
}

/** The frame of every plot over the time range: scales, the clock, the parts of which less is known, what is marked. */
export function Plot(props: Props) {
  const { label, bounds, height, left, right, legend, gaps, marked, children, over, tip, area } = props;
  const { ref, width } = useElementSize();
  const times = clockTicks(
    instantToMillis(bounds.from),
    instantToMillis(bounds.to),
    Math.max(Math.floor(width / 110), 2),
  );
  return (
    <figure
      className={classes.plot}
      data-right={right !== undefined || undefined}
      style={{ '--plot-height': `${height}px` } as CSSProperties}
    >
      {legend != null && <figcaption className={classes.legend}>{legend}</figcaption>}
      <Scale ticks={left} side="left" />
      <div ref={ref} className={classes.area} {...area}>
        {/* The drawing alone is a picture: what lies over it can be reached by keys. */}
        <svg width={width} height={height} role="img" aria-label={label}>
          {left.map(({ at }) => (
            <line key={at} className={classes.grid} x1={0} x2={width} y1={(1 - at) * height} y2={(1 - at) * height} />
          ))}
          {width > 0 && children(width, height)}
        </svg>
        {gaps.cut !== undefined && (
          <div className={classes.gap} style={{ left: 0, width: percent(gaps.cut) }}>
            <span>not looked at</span>
          </div>
        )}
        {gaps.open !== undefined && (
          <div
            className={classes.gap}
            data-open
            style={{ left: percent(gaps.open), right: 0 }}
            title="What was accepted from here on may not be here yet"
          />
        )}
        {over}
        {marked !== undefined && (
          <div
            className={classes.selection}
            style={{
              left: percent(marked.left),
              width: percent(marked.right - marked.left),
              bottom: percent(marked.bottom),
              height: percent(marked.top - marked.bottom),
            }}
          />
        )}
        {tip !== undefined && (
          <div
            className={classes.tip}
            style={
              tip.at > 0.5
                ? { right: `calc(${percent(1 - tip.at)} + 14px)` }
                : { left: `calc(${percent(tip.at)} + 14px)` }
            }
          >
            {tip.lines}
          </div>
        )}
      </div>
      {right !== undefined && <Scale ticks={right} side="right" />}
      <div className={classes.times} aria-hidden>
        {times.map((tick) => (
          <span key={tick.at} style={{ left: percent(tick.at) }}>
            {tick.label}
          </span>
        ))}
      </div>
    </figure>
  );
}

const percent = (fraction: number) => `${fraction * 100}%`;

function Scale({ ticks, side }: { ticks: readonly Tick[]; side: 'left' | 'right' }) {
  return (
    <div className={classes.scale} data-side={side} aria-hidden>
      {ticks.map((tick) => (
        <span key={tick.at} style={{ bottom: percent(tick.at) }}>
          {tick.label}
        </span>
      ))}
    </div>
  );
}
