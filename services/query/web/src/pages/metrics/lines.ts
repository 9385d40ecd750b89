// From the points of a metric's series to the lines of a chart.

import type { Metric, Point, Series } from '../../api/model';
import { attribute, valueText } from '../../parts/value';
import { instantToMillis } from '../../time/instant';

export interface Line {
  id: string;
  label: string;
  /** Seconds since 1970, ascending; null where there is a gap. */
  times: readonly number[];
  values: readonly (number | null)[];
}

/** What the values of a metric's lines are. */
export type Measure = 'value' | 'rate' | 'mean';

export function measureOf(metric: Metric): Measure {
  switch (metric.type) {
    case 'gauge':
      return 'value';
    case 'sum':
      return metric.monotonic || metric.temporality === 'delta' ? 'rate' : 'value';
    default:
      return 'mean';
  }
}

/**
 * One line a series. Counters become rates per second: cumulative ones by the growth between points, where a fall or a
 * new start is a restart and begins anew; delta ones by the length of each interval. Histograms and summaries become
 * the mean of what was recorded since the point before.
 */
export function toLines(metric: Metric, series: readonly Series[]): Line[] {
  const measure = measureOf(metric);
  const delta = metric.temporality === 'delta';
  const names = seriesNames(series);
  return series
    .map((one, i): Line => {
      const points = one.points.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
      const values = points.map((point, at): number | null => {
        if (measure === 'value') return finite(point.value);
        const before = points[at - 1];
        return measure === 'rate' ? rate(point, before, delta) : mean(point, before, delta);
      });
      return {
        id: one.id,
        label: names[i] ?? one.id,
        times: points.map((p) => instantToMillis(p.time) / 1000),
        values,
      };
    })
    .filter((line) => line.values.some((v) => v !== null));
}

const finite = (n: number | undefined): number | null => (n !== undefined && Number.isFinite(n) ? n : null);

const seconds = (from: bigint, to: bigint) => Number(to - from) / 1e9;

function rate(point: Point, before: Point | undefined, delta: boolean): number | null {
  const value = finite(point.value);
  if (value === null) return null;
  if (delta) {
    const length = seconds(point.startTime === 0n ? (before?.time ?? point.time) : point.startTime, point.time);
    return length > 0 ? value / length : null;
  }
  if (before?.value === undefined || before.startTime !== point.startTime || before.value > value) return null;
  const length = seconds(before.time, point.time);
  return length > 0 ? (value - before.value) / length : null;
}

function mean(point: Point, before: Point | undefined, delta: boolean): number | null {
  const { summary } = point;
  if (summary?.sum === undefined) return null;
  let { count, sum } = { count: summary.count, sum: summary.sum };
  const last = before?.summary;
  if (!delta && last?.sum !== undefined && before?.startTime === point.startTime && last.count <= count) {
    count -= last.count;
    sum -= last.sum;
  }
  return count > 0 && Number.isFinite(sum) ? sum / count : null;
}

/** What tells apart instances of one service, the most readable first. */
const instanceKeys = ['k8s.pod.name', 'service.instance.id', 'host.name', 'process.pid'];

/** The attributes in which the series differ, so that labels are as short as they can be. */
function seriesNames(series: readonly Series[]): string[] {
  const keys = new Map<string, Set<string>>();
  for (const one of series) {
    for (const { key, value } of one.attributes) {
      const values = keys.get(key) ?? new Set<string>();
      keys.set(key, values.add(valueText(value)));
    }
  }
  const telling = [...keys].filter(
    ([key, values]) => values.size > 1 || series.some((s) => attribute(s.attributes, key) === undefined),
  );
  const services = new Set(series.map((s) => s.service));
  const names = series.map((one) => {
    const parts = telling.flatMap(([key]) => {
      const value = attribute(one.attributes, key);
      return value === undefined ? [] : [`${key}=${valueText(value)}`];
    });
    if (services.size > 1 || parts.length === 0) parts.unshift(one.service);
    return parts.join(', ');
  });
  // Series of several instances of a service differ in their resource only.
  return names.map((name, i) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    for (const key of instanceKeys) {
      const value = attribute(series[i]?.resource.attributes ?? [], key);
      if (value !== undefined) return `${name}, ${key}=${valueText(value)}`;
    }
    return name;
  });
}

/** The lines with the greatest last values, so that a chart of many series shows those that matter. */
export function greatest(lines: readonly Line[], count: number): Line[] {
  const last = (line: Line) => line.values.findLast((v) => v !== null) ?? -Infinity;
  return lines.toSorted((a, b) => last(b) - last(a)).slice(0, count);
}

/** All lines over one common time axis, as uPlot wants them: undefined where a line has no point at that time. */
export function align(lines: readonly Line[]): [number[], ...(number | null | undefined)[][]] {
  const times = [...new Set(lines.flatMap((l) => l.times))].sort((a, b) => a - b);
  const place = new Map(times.map((t, i) => [t, i]));
  const columns = lines.map((line) => {
    const column = new Array<number | null | undefined>(times.length).fill(undefined);
    line.times.forEach((t, i) => {
      column[place.get(t)!] = line.values[i] ?? null;
    });
    return column;
  });
  return [times, ...columns];
}

/** A metric's unit as people read it: UCUM annotations in braces go, "1" is nothing. */
export function unitLabel(unit: string, measure: Measure): string {
  const plain = unit === '1' ? '' : unit.replace(/^\{(.*)\}$/, '$1');
  return measure === 'rate' ? `${plain}/s` : plain;
}
