import { useMemo, useState, type ReactNode } from 'react';
import type { Answer, Timeline } from '../api/model';
import { useSetTimeRange } from '../route/time';
import { formatClock, formatOtherDay, instantFromMillis, instantToMillis, type Instant } from '../time/instant';
import type { Bounds } from '../time/range';
import { useDragSelection } from './drag';
import {
  bandPath,
  barsPath,
  bucketAt,
  bucketsOf,
  extentOf,
  fractionOf,
  gapsOf,
  greatest,
  linePath,
  momentAt,
  scaleOf,
  stacked,
  valueScale,
  type Band,
  type Layer,
} from './chartLayout';
import { Plot } from './Plot';
import classes from './TimeChart.module.css';

export interface Mark {
  at: Instant;
  label: string;
}

interface Props {
  /** What it shows, with its figures, for those who cannot see it. */
  label: string;
  timeline: Timeline | undefined;
  bounds: Bounds;
  /** Of the plot, in pixels. */
  height: number;
  /** Stand upon each other, the first at the bottom. */
  bars?: readonly Layer[];
  lines?: readonly Layer[];
  /** Stands behind the lines. */
  band?: Band | undefined;
  /** Whether lines may be far from zero: the scale begins where they are then. */
  anywhere?: boolean;
  /** A value as text. */
  format: (value: number) => string;
  /** Given where lines are of something else than bars: they have a scale of their own, at the right. */
  formatLines?: (value: number) => string;
  marks?: readonly Mark[];
  /** What it was made of: what is after its watermark may not be here yet, and where it was cut the rest was not looked at. */
  answer: Pick<Answer<unknown>, 'since' | 'completeness'> | undefined;
  /** In place of the names of what is drawn; null for none. */
  legend?: ReactNode;
  /** What stands beside the pointer of a bucket, in pairs, in place of its values; `at` is the value at the pointer's height. */
  told?: (bucket: number, at: number) => ReactNode;
  /** What stands on it, by where a moment and a value are, in fractions from the left and from the bottom. */
  over?: (place: (millis: number, value: number) => { x: number; y: number }) => ReactNode;
}

const none: readonly never[] = [];

/** Figures over the time range as bars or lines. Dragging across it narrows the range. */
export function TimeChart(props: Props) {
  const { label, timeline, bounds, height, bars = none, lines = none, format, formatLines, marks = none } = props;
  const { band, anywhere = false, answer, legend, told } = props;
  const apart = formatLines !== undefined;
  const buckets = useMemo(() => bucketsOf(timeline, bounds), [timeline, bounds]);
  const extent = useMemo(
    () => extentOf([...lines.map(({ values }) => values), ...(band === undefined ? [] : [band.low, band.high])]),
    [lines, band],
  );
  const own = useMemo(() => valueScale(...extent, anywhere), [extent, anywhere]);
  const scale = useMemo(
    () => (bars.length === 0 && !apart ? own : valueScale(0, greatest(bars, apart ? none : lines))),
    [bars, lines, apart, own],
  );
  const lineScale = apart ? own : scale;
  const [pointed, setPointed] = useState<{ x: number; y: number }>();
  const setRange = useSetTimeRange();
  const { selection, handlers } = useDragSelection(({ from, to }) => {
    const moment = (fraction: number) => new Date(momentAt(bounds, fraction));
    setRange({ kind: 'fixed', from: moment(from), to: moment(to) });
  });
  const under = selection === undefined && pointed !== undefined ? bucketAt(buckets, pointed.x) : undefined;
  const bucket = under === undefined ? undefined : buckets[under];
  const at = fractionOf(bounds);
  return (
    <Plot
      label={label}
      bounds={bounds}
      height={height}
      left={scaleOf(scale, format)}
      right={apart ? (extent[1] > 0 ? scaleOf(lineScale, formatLines) : []) : undefined}
      legend={legend === undefined ? <Names bars={bars} lines={lines} /> : legend}
      gaps={answer === undefined ? { cut: undefined, open: undefined } : gapsOf(answer, bounds)}
      marked={selection === undefined ? undefined : { left: selection.from, right: selection.to, bottom: 0, top: 1 }}
      tip={
        bucket === undefined || under === undefined
          ? undefined
          : {
              at: bucket.right,
              lines: (
                <>
                  <b>{stretch(bucket.from, bucket.to)}</b>
                  {told === undefined
                    ? [
                        ...bars.map((l) => valueOf(l, under, format)),
                        ...lines.map((l) => valueOf(l, under, formatLines ?? format)),
                      ]
                    : told(under, lineScale.low + (pointed?.y ?? 0) * (lineScale.high - lineScale.low))}
                </>
              ),
            }
      }
      over={
        <>
          {marks.map(({ at: moment, label: name }) => {
            const x = at(instantToMillis(moment));
            const side = x > 0.7 ? { right: `${(1 - x) * 100}%` } : { left: `${x * 100}%` };
            return (
              <span key={`${moment} ${name}`} className={classes.marked} style={side} title={name}>
                <bdi>{name}</bdi>
              </span>
            );
          })}
          {props.over?.((millis, value) => ({
            x: at(millis),
            y: (value - lineScale.low) / (lineScale.high - lineScale.low),
          }))}
        </>
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
      {(width, tall) => (
        <>
          {bucket !== undefined && (
            <rect
              className={classes.under}
              x={bucket.left * width}
              width={(bucket.right - bucket.left) * width}
              height={tall}
            />
          )}
          {stacked(bars).map(({ layer, ends }) => (
            <path
              key={layer.label}
              className={classes.bars}
              d={barsPath(buckets, ends, { width, height: tall, top: scale.high })}
              style={{ fill: layer.colour }}
            />
          ))}
          {band !== undefined && (
            <path
              className={classes.band}
              d={bandPath(buckets, band, { width, height: tall, top: lineScale.high, bottom: lineScale.low })}
            />
          )}
          {lines.map((layer, i) => (
            <path
              key={`${i} ${layer.label}`}
              className={classes.line}
              data-faint={layer.faint || undefined}
              data-dashed={layer.dashed || undefined}
              d={linePath(buckets, layer.values, {
                width,
                height: tall,
                top: lineScale.high,
                bottom: lineScale.low,
              })}
              style={{ stroke: layer.colour }}
            />
          ))}
          {marks.map(({ at: moment, label: name }) => {
            const x = at(instantToMillis(moment)) * width;
            return <line key={`${moment} ${name}`} className={classes.mark} x1={x} x2={x} y1={0} y2={tall} />;
          })}
        </>
      )}
    </Plot>
  );
}

/** What its colours stand for. */
function Names({ bars, lines }: { bars: readonly Layer[]; lines: readonly Layer[] }) {
  return [...bars, ...lines].map((layer, i) => (
    <span key={layer.label} className={classes.name}>
      <i style={{ background: layer.colour }} data-line={i >= bars.length || undefined} aria-hidden />
      {layer.label}
    </span>
  ));
}

function valueOf(layer: Layer, bucket: number, format: (value: number) => string) {
  const value = layer.values[bucket];
  return [
    <span key={`${layer.label} name`}>{layer.label}</span>,
    <span key={layer.label}>{value === undefined ? '–' : format(value)}</span>,
  ];
}

/** "14:03:00 – 14:04:00", with the day where that is not today. */
function stretch(from: number, to: number): string {
  const [first, last] = [instantFromMillis(from), instantFromMillis(to)];
  return `${formatOtherDay(first)} ${formatClock(first, 0)} – ${formatClock(last, 0)}`.trim();
}
