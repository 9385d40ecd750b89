// From what the server tells of a metric to the lines of a chart and the rows of its legend.

import type { LineExemplar, LineSeries, MetricLine, MetricLines, Value, Values } from '../../api/model';
import { attribute, valueText } from '../../parts/value';
import { assignSlots } from '../../style/service-colour';

/** One line as it is drawn. */
export interface Line {
  /** The same in every answer, and short, for the address. */
  key: string;
  /** Of the series or the group, which exemplars name, too. */
  id: string;
  label: string;
  /** A CSS colour. */
  colour: string;
  values: Values;
  /** Undefined where it has no value at all. */
  stats: Stats | undefined;
  series: number;
  /** Of what it is a line: values by field, and of a quantile which. */
  labels: readonly (readonly [field: string, value: string | undefined])[];
  quantile: number | undefined;
}

export interface Stats {
  min: number;
  avg: number;
  max: number;
  last: number;
}

interface Asked {
  by: readonly string[];
  quantiles: readonly number[];
  /** What a line of all series together is called. */
  together: string;
  /** The colour of a service, where lines are of services. */
  serviceColour: (service: string) => string;
}

/** The lines of an answer, a line for each quantile. Histograms have none. */
export function linesOf({ lines }: Pick<MetricLines, 'lines'>, asked: Asked): Line[] {
  const names = namesOf(lines, asked);
  const drawn = lines.flatMap((line, i) =>
    line.figures.map((values, n) => {
      const quantile = asked.quantiles.length > 0 ? asked.quantiles[n] : undefined;
      const several = quantile !== undefined && asked.quantiles.length > 1;
      const name = names[i] ?? '';
      const whole = line.series === undefined && asked.by.length === 0;
      const ofQuantile = quantile === undefined ? '' : quantileLabel(quantile);
      const label = quantile === undefined ? name : whole ? ofQuantile : several ? `${name} ${ofQuantile}` : name;
      return {
        id: idOf(line),
        key: shortKey(`${idOf(line)} ${several ? ofQuantile : ''}`),
        ...{ label, values, quantile, series: line.seriesCount, stats: statsOf(values) },
        labels: labelsOf(line, asked.by),
      };
    }),
  );
  const slots = assignSlots(
    drawn.map(({ key }) => key),
    new Map(),
  );
  const ofServices = asked.by.length === 1 && asked.by[0] === 'service' && asked.quantiles.length < 2;
  return drawn.map((line) => {
    const service = ofServices ? line.labels[0]?.[1] : undefined;
    const colour = service === undefined ? `var(--service-${slots.get(line.key) ?? 0})` : asked.serviceColour(service);
    return { ...line, colour };
  });
}

/** "p95", "p99.9". */
export const quantileLabel = (quantile: number): string => `p${Number((quantile * 100).toPrecision(6))}`;

/** What tells a line from the others of its answer. */
export const idOf = ({ series, values }: MetricLine): string => series?.id ?? idOfValues(values);

const idOfValues = (values: MetricLine['values']): string =>
  JSON.stringify(values.map((value) => (value === undefined ? null : [value.type, valueText(value)])));

/** Whether an exemplar is of the series or the group that a line is of. */
export const isOf = ({ seriesId, values }: LineExemplar, line: Pick<Line, 'id'>): boolean =>
  line.id === seriesId || line.id === idOfValues(values);

/** A text of any length as a short one: two FNV-1a hashes of 32 bits. */
function shortKey(text: string): string {
  let [a, b] = [0x811c9dc5, 0x050c5d1f];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ (code + 1), 0x01000193);
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}

function statsOf(values: Values): Stats | undefined {
  let [n, sum, min, max, last] = [0, 0, Infinity, -Infinity, NaN];
  for (const value of values) {
    if (value === undefined) continue;
    n++;
    sum += value;
    min = Math.min(min, value);
    max = Math.max(max, value);
    last = value;
  }
  return n === 0 ? undefined : { min, avg: sum / n, max, last };
}

function labelsOf({ series, values }: MetricLine, by: readonly string[]): Line['labels'] {
  const said = (value: Value | undefined) => (value === undefined ? undefined : valueText(value));
  if (series === undefined) return by.map((field, i) => [field, said(values[i])]);
  return [
    ['service', series.service],
    ...series.attributes.map(({ key, value }) => [`attributes.${key}`, valueText(value)] as const),
  ];
}

function namesOf(lines: readonly MetricLine[], { by, together }: Asked): string[] {
  const each = lines.map(({ series }) => series).filter((series) => series !== undefined);
  if (each.length === lines.length && each.length > 0) return seriesNames(each);
  if (by.length === 0) return lines.map(() => together);
  return lines.map(({ values }) =>
    by
      .map((field, i) => {
        const value = values[i];
        const said = value === undefined ? 'none' : valueText(value) === '' ? 'empty' : valueText(value);
        return by.length === 1 ? said : `${field}=${said}`;
      })
      .join(', '),
  );
}

/** What tells apart instances of one service, the most readable first. */
const instanceKeys = ['k8s.pod.name', 'service.instance.id', 'host.name', 'process.pid'];

/** The attributes in which the series differ, so that labels are as short as they can be. */
function seriesNames(series: readonly LineSeries[]): string[] {
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
      const value = attribute(series[i]?.resource ?? [], key);
      if (value !== undefined) return `${name}, ${key}=${valueText(value)}`;
    }
    return name;
  });
}

/** The means of what was observed: sums of it by how many there were, line by line; those with the highest means. */
export function meansOf(sums: MetricLines, counts: MetricLines, top: number): MetricLines {
  const of = new Map(counts.lines.map((line) => [idOf(line), line]));
  const lines = sums.lines.map((line): MetricLine => {
    const found = of.get(idOf(line))?.figures[0] ?? [];
    const figures = (line.figures[0] ?? []).map((sum, i) => {
      const count = found[i] ?? 0;
      return sum === undefined || count <= 0 ? undefined : sum / count;
    });
    return { ...line, figures: [figures] };
  });
  const mean = ({ figures }: MetricLine) => statsOf(figures[0] ?? [])?.avg ?? -Infinity;
  const sorted = lines.toSorted((a, b) => mean(b) - mean(a));
  const rest = sorted.slice(top);
  const edge = (pick: (...of: number[]) => number) =>
    (rest[0]?.figures[0] ?? []).map((_, i) => {
      const told = rest.map(({ figures }) => figures[0]?.[i]).filter((value) => value !== undefined);
      return told.length === 0 ? undefined : pick(...told);
    });
  return {
    ...sums,
    lines: sorted.slice(0, top),
    other:
      rest.length === 0
        ? undefined
        : {
            lines: rest.length,
            seriesCount: rest.reduce((sum, line) => sum + line.seriesCount, 0),
            figures: [],
            min: edge(Math.min),
            max: edge(Math.max),
          },
  };
}

/** The lines with a value in a bucket, the greatest first, and which of them is nearest to a value. */
export function rankedAt(
  lines: readonly Line[],
  bucket: number,
  near: number,
): readonly { line: Line; value: number; nearest: boolean }[] {
  const there = lines.flatMap((line) => {
    const value = line.values[bucket];
    return value === undefined ? [] : [{ line, value }];
  });
  const least = Math.min(...there.map(({ value }) => Math.abs(value - near)));
  const nearest = there.find(({ value }) => Math.abs(value - near) === least);
  return there
    .toSorted((a, b) => b.value - a.value)
    .map((one) => ({ ...one, nearest: one === nearest && there.length > 1 }));
}

/** The line that is shown alone, where there is one of that key; else all. */
export function shownOf(lines: readonly Line[], alone: string | undefined): readonly Line[] {
  const one = lines.find(({ key }) => key === alone);
  return one === undefined ? lines : [one];
}
