import { useMemo, useState } from 'react';
import type { Answer, Figures } from '../../api/model';
import { useDragSelection } from '../../parts/drag';
import { formatPercent, formatRate, plural } from '../../parts/number';
import { useSetTimeRange } from '../../route/time';
import type { Tick } from '../../time/axis';
import { formatDuration } from '../../time/duration';
import { formatClock, instantFromMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import type { Basis } from './figures';
import { Plot } from './Plot';
import classes from './Strip.module.css';
import { barAt, gapsOf, layoutStrip, linePath, momentAt, type Bar } from './bars';

interface Props {
  figures: Answer<Figures>;
  basis: Basis;
  bounds: Bounds;
}

/** Rates over the whole range as bars, what failed in red, and the p95 of durations as a line. Dragging narrows the range. */
export function Strip({ figures, basis, bounds }: Props) {
  const layout = useMemo(() => layoutStrip(figures.data, bounds), [figures, bounds]);
  const [pointed, setPointed] = useState<number>();
  const setRange = useSetTimeRange();
  const { selection, handlers } = useDragSelection(({ from, to }) => {
    const at = (fraction: number) => new Date(momentAt(bounds, fraction));
    setRange({ kind: 'fixed', from: at(from), to: at(to) });
  });
  const bar = pointed === undefined || selection !== undefined ? undefined : barAt(layout.bars, pointed);
  const half = (top: number, format: (value: number) => string): Tick[] => [
    { at: 0.5, label: format(top / 2) },
    { at: 1, label: format(top) },
  ];
  return (
    <Plot
      label={`Rate and errors of ${basis.many} over time, and the p95 of their durations`}
      bounds={bounds}
      height={96}
      left={half(layout.topRate, formatRate)}
      right={layout.bars.some(({ p95 }) => p95 !== undefined) ? half(layout.topP95, formatDuration) : []}
      gaps={gapsOf(figures, bounds)}
      marked={selection === undefined ? undefined : { left: selection.from, right: selection.to, bottom: 0, top: 1 }}
      tip={bar === undefined ? undefined : { at: bar.right, lines: <Told bar={bar} basis={basis} /> }}
      area={{
        ...handlers,
        onMouseMove: (event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setPointed((event.clientX - box.left) / box.width);
        },
        onMouseLeave: () => setPointed(undefined),
      }}
    >
      {(width, height) => (
        <>
          {layout.bars.map((one) => (
            <Rates key={one.from} bar={one} under={one === bar} width={width} height={height} top={layout.topRate} />
          ))}
          <path className={classes.line} d={linePath(layout, width, height)} />
        </>
      )}
    </Plot>
  );
}

function Rates(props: { bar: Bar; under: boolean; width: number; height: number; top: number }) {
  const { bar, under, width, height, top } = props;
  if (bar.count === 0) return null;
  const x = bar.left * width;
  const wide = Math.max((bar.right - bar.left) * width - 1, 1);
  // What is there is seen: a pixel at least, and what failed of it as well.
  const high = Math.max((bar.rate / top) * height, 1);
  const failed = bar.errors === 0 ? 0 : Math.max((bar.errors / bar.count) * high, 1.5);
  return (
    <>
      <rect
        className={classes.bar}
        data-under={under || undefined}
        x={x}
        width={wide}
        y={height - high}
        height={high}
      />
      {failed > 0 && (
        <rect
          className={classes.failed}
          x={x}
          width={wide}
          y={height - failed}
          height={failed}
          data-errors={bar.errors}
        />
      )}
    </>
  );
}

function Told({ bar, basis }: { bar: Bar; basis: Basis }) {
  const clock = (millis: number) => formatClock(instantFromMillis(millis), 0);
  return (
    <>
      <span>
        {clock(bar.from)} – {clock(bar.to)}
      </span>
      <span>{plural(bar.count, basis.one, basis.many)}</span>
      <span>{formatRate(bar.rate)}</span>
      <span>{plural(bar.errors, 'error')}</span>
      <span>{formatPercent(bar.count === 0 ? 0 : bar.errors / bar.count)}</span>
      {bar.p95 !== undefined && (
        <>
          <span>p95</span>
          <span>{formatDuration(bar.p95)}</span>
        </>
      )}
    </>
  );
}
