// Where bars and lines over time stand, in fractions of the plot: from the left, and from the bottom.

import type { Answer, Timeline } from '../api/model';
import type { Tick } from '../time/axis';
import { instantToMillis } from '../time/instant';
import type { Bounds } from '../time/range';
import { bucketEdges } from './timeline';

/** What is drawn of one thing: a value for each bucket, undefined where there is none. */
export interface Layer {
  label: string;
  /** A CSS colour. */
  colour: string;
  values: readonly (number | undefined)[];
  /** Of a line: it stands behind the others. */
  faint?: boolean;
  /** It is of another kind than the others. */
  dashed?: boolean;
}

/** Between which values something lies. */
export interface Band {
  label: string;
  low: Layer['values'];
  high: Layer['values'];
}

export interface Bucket {
  /** Milliseconds since 1970. */
  from: number;
  to: number;
  /** Fractions of the width. */
  left: number;
  right: number;
}

const within = (fraction: number) => Math.min(Math.max(fraction, 0), 1);

/** From a moment, in milliseconds, to its fraction of the width. */
export function fractionOf({ from, to }: Bounds): (millis: number) => number {
  const start = instantToMillis(from);
  const length = Math.max(instantToMillis(to) - start, 1);
  return (millis) => within((millis - start) / length);
}

/** The moment, in milliseconds, at a fraction of the width. */
export const momentAt = ({ from, to }: Bounds, fraction: number): number =>
  instantToMillis(from) + fraction * (instantToMillis(to) - instantToMillis(from));

/** Parts of the range, as fractions of it, of which an answer knows less. */
export interface Gaps {
  /** Before it nothing was looked at. */
  cut: number | undefined;
  /** From here on what was accepted may be missing. */
  open: number | undefined;
}

export function gapsOf({ since, completeness }: Pick<Answer<unknown>, 'since' | 'completeness'>, bounds: Bounds): Gaps {
  const at = fractionOf(bounds);
  const open = completeness.watermark === undefined ? 1 : at(completeness.watermark.getTime());
  return { cut: since === undefined ? undefined : at(instantToMillis(since)), open: open < 1 ? open : undefined };
}

/** The buckets as far as they are within the bounds. */
export function bucketsOf(timeline: Timeline | undefined, bounds: Bounds): Bucket[] {
  if (timeline === undefined) return [];
  const at = fractionOf(bounds);
  const edges = bucketEdges(timeline);
  return edges.slice(1).map((to, i) => {
    const from = edges[i] ?? to;
    return { from, to, left: at(from), right: at(to) };
  });
}

/** The values of layers one upon the other: where each begins and ends. */
export function stacked(layers: readonly Layer[]): { layer: Layer; ends: (readonly [number, number])[] }[] {
  const ground: number[] = [];
  return layers.map((layer) => ({
    layer,
    ends: layer.values.map((value, i) => {
      const from = ground[i] ?? 0;
      const to = from + (value ?? 0);
      ground[i] = to;
      return [from, to] as const;
    }),
  }));
}

/** The greatest of the sums of layers, or of their values where they are lines. */
export function greatest(bars: readonly Layer[], lines: readonly Layer[]): number {
  const sums =
    stacked(bars)
      .at(-1)
      ?.ends.map(([, to]) => to) ?? [];
  return [...sums, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0))].reduce(
    (most, value) => Math.max(most, value),
    0,
  );
}

/** Round values from above 0 to the first that is not below the greatest: two to five of them. */
export function valueTicks(most: number): number[] {
  if (!(most > 0)) return [1];
  const raw = most / 3;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const count = Math.max(Math.ceil(most / step - 1e-9), 1);
  return Array.from({ length: count }, (_, i) => (i + 1) * step);
}

/** An axis of values: round ones, from the lowest to the highest that it shows. */
export interface ValueScale {
  low: number;
  high: number;
  ticks: readonly number[];
}

/**
 * The scale of values from the least to the greatest. It begins at zero, unless `anywhere` and they are far from it: what moves a little, high above zero, would
 * be a flat line there. Values below zero have room in any case.
 */
export function valueScale(least: number, most: number, anywhere = false): ValueScale {
  if (!(most >= least)) return { low: 0, high: 1, ticks: [1] };
  const apart = anywhere && (least > most / 2 || most < least / 2);
  const from = apart ? least : Math.min(least, 0);
  const to = apart ? most : Math.max(most, 0);
  if (from === 0) {
    const ticks = valueTicks(to);
    return { low: 0, high: ticks.at(-1) ?? 1, ticks };
  }
  const step = valueTicks(to - from)[0] ?? 1;
  const first = Math.floor(from / step + 1e-9);
  const count = Math.max(Math.ceil(to / step - 1e-9) - first, 1) + 1;
  const ticks = Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  const [low, high] = [ticks[0] ?? from, ticks.at(-1) ?? to];
  // Where a step is nothing beside the values, they do not differ as far as numbers can tell.
  return high > low ? { low, high, ticks } : valueScale(Math.min(least, 0), Math.max(most, 0));
}

/** The least and the greatest of all values; NaN twice where there are none. */
export function extentOf(all: readonly Layer['values'][]): readonly [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const values of all)
    for (const value of values) {
      if (value === undefined) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  return least > most ? [NaN, NaN] : [least, most];
}

/** What a scale says, and where. */
export const scaleOf = ({ low, high, ticks }: ValueScale, format: (value: number) => string): Tick[] =>
  ticks.map((value) => ({ at: (value - low) / (high - low), label: format(value) }));

const round = (n: number) => Math.round(n * 10) / 10;

/** The plot in pixels, and the values at its top and its bottom. */
export interface PlotBox {
  width: number;
  height: number;
  top: number;
  bottom?: number;
}

const heightOf = (value: number, { height, top, bottom = 0 }: PlotBox): number =>
  round(height - ((value - bottom) / (top - bottom)) * height);

/** Bars from one value to another as a path, in pixels; what is there is at least a pixel high, and a pixel is between bars. */
export function barsPath(
  buckets: readonly Bucket[],
  ends: readonly (readonly [number, number])[],
  { width, height, top }: PlotBox,
): string {
  let path = '';
  buckets.forEach(({ left, right }, i) => {
    const [from, to] = ends[i] ?? [0, 0];
    if (to <= from || right <= left) return;
    const x = round(left * width);
    const wide = round(Math.max((right - left) * width - 1, 1));
    const y = round(height - (from / top) * height);
    const tall = round(Math.max(((to - from) / top) * height, 1));
    path += `M${x},${y}v${-tall}h${wide}v${tall}z`;
  });
  return path;
}

/** A line through the middles of buckets, in pixels; broken where there is no value, and a dash where one stands alone. */
export function linePath(buckets: readonly Bucket[], values: Layer['values'], box: PlotBox): string {
  const { width } = box;
  let path = '';
  buckets.forEach(({ left, right }, i) => {
    const value = values[i];
    if (value === undefined) return;
    const y = heightOf(value, box);
    const alone = values[i - 1] === undefined && values[i + 1] === undefined;
    if (alone) path += `M${round(left * width)},${y}H${round(right * width)}`;
    else path += `${values[i - 1] === undefined ? 'M' : 'L'}${round(((left + right) / 2) * width)},${y}`;
  });
  return path;
}

/** What lies between two values of each bucket, in pixels: from one end of the buckets that have both to the other. */
export function bandPath(buckets: readonly Bucket[], { low, high }: Band, box: PlotBox): string {
  const { width } = box;
  let path = '';
  for (let from = 0; from < buckets.length; from++) {
    if (low[from] === undefined || high[from] === undefined) continue;
    let to = from;
    while (to + 1 < buckets.length && low[to + 1] !== undefined && high[to + 1] !== undefined) to++;
    const edge = (of: Band['low']) => (i: number) => {
      const { left, right } = buckets[i]!;
      const y = heightOf(of[i]!, box);
      const middle = `${round(((left + right) / 2) * width)},${y}`;
      return [
        ...(i === from ? [`${round(left * width)},${y}`] : []),
        middle,
        ...(i === to ? [`${round(right * width)},${y}`] : []),
      ];
    };
    const run = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const back = run.toReversed().flatMap((i) => edge(low)(i).toReversed());
    path += `M${[...run.flatMap(edge(high)), ...back].join('L')}z`;
    from = to;
  }
  return path;
}

/** Which bucket is at a fraction of the width. */
export const bucketAt = (buckets: readonly Bucket[], fraction: number): number | undefined => {
  const i = buckets.findIndex(({ left, right }) => fraction >= left && fraction < right);
  return i < 0 ? undefined : i;
};
