import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatNumber } from '../../parts/number';
import { slotCount } from '../../style/service-colour';
import { instantToMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import { localClock } from '../../time/zone';
import classes from './Chart.module.css';
import { align, type Line } from './lines';

interface Props {
  lines: readonly Line[];
  bounds: Bounds;
  unit: string;
  /** Whether the values' axis begins at zero: rates and means do, a gauge may wander far above it. */
  fromZero: boolean;
  /** The index of the line under the pointer, or null. */
  onHover: (index: number | null) => void;
  onSelect: (from: Date, to: Date) => void;
}

/** Seconds where the range is short enough for them to differ, the day where it is longer than one. */
function clockFormat({ from, to }: Bounds): string {
  const minutes = (instantToMillis(to) - instantToMillis(from)) / 60_000;
  return minutes <= 15 ? '{HH}:{mm}:{ss}' : minutes <= 1_500 ? '{HH}:{mm}' : '{D} {MMM} {HH}:{mm}';
}

/** The colour of the nth line: steps through the palette so that neighbours differ. */
export const lineColour = (index: number): string => `var(--service-${(index * 7 + 13) % slotCount})`;

/** Lines over time. Dragging chooses a time range. */
export function Chart({ lines, bounds, unit, fromZero, onHover, onSelect }: Props) {
  const { ref: sized, width, height } = useElementSize<HTMLDivElement>();
  const holder = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme();
  const callbacks = useRef({ onHover, onSelect });
  useEffect(() => {
    callbacks.current = { onHover, onSelect };
  });

  useEffect(() => {
    if (holder.current === null || width === 0 || height === 0) return;
    const style = getComputedStyle(document.documentElement);
    const token = (name: string) => style.getPropertyValue(name).trim();
    const axis: uPlot.Axis = {
      stroke: token('--ink-3'),
      grid: { stroke: token('--line'), width: 1 },
      ticks: { show: false },
      font: '11px "Inter Variable", sans-serif',
    };
    const plot = new uPlot(
      {
        width,
        height,
        tzDate: (seconds) => localClock(seconds * 1000),
        padding: [12, 16, 0, 0],
        legend: { show: false },
        cursor: {
          drag: { x: true, y: false, setScale: false },
          focus: { prox: 24 },
          points: { size: 6 },
        },
        focus: { alpha: 0.25 },
        scales: {
          x: { time: true, range: [instantToMillis(bounds.from) / 1000, instantToMillis(bounds.to) / 1000] },
          ...(fromZero ? { y: { range: (_, low, high) => [Math.min(low, 0), high > 0 ? high * 1.08 : 1] } } : {}),
        },
        axes: [
          { ...axis, values: clockFormat(bounds), space: 90, size: 28 },
          {
            ...axis,
            size: 72,
            space: 44,
            values: (_, ticks) => ticks.map((tick) => formatNumber(tick)),
            label: unit === '' ? '' : unit,
            labelSize: unit === '' ? 0 : 20,
            labelFont: '11px "Inter Variable", sans-serif',
          },
        ],
        series: [
          {},
          ...lines.map((line, i): uPlot.Series => ({
            label: line.label,
            stroke: token(lineColour(i).slice(4, -1)),
            width: 1.5,
            points: { show: line.times.length < 3 },
          })),
        ],
        hooks: {
          setSeries: [(_, index) => callbacks.current.onHover(index === null ? null : index - 1)],
          setSelect: [
            (self) => {
              if (self.select.width < 4) return;
              const at = (pixel: number) => new Date(self.posToVal(pixel, 'x') * 1000);
              callbacks.current.onSelect(at(self.select.left), at(self.select.left + self.select.width));
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      align(lines),
      holder.current,
    );
    return () => plot.destroy();
  }, [lines, bounds, unit, fromZero, width, height, scheme]);

  return (
    <div ref={sized} className={classes.chart}>
      <div ref={holder} />
    </div>
  );
}
