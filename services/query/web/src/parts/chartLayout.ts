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

/** These values as a scale, of which the last is at the top. */
export const scaleOf = (values: readonly number[], format: (value: number) => string): Tick[] =>
  values.map((value) => ({ at: value / (values.at(-1) ?? 1), label: format(value) }));

const round = (n: number) => Math.round(n * 10) / 10;

/** Bars from one value to another as a path, in pixels; what is there is at least a pixel high, and a pixel is between bars. */
export function barsPath(
  buckets: readonly Bucket[],
  ends: readonly (readonly [number, number])[],
  { width, height, top }: { width: number; height: number; top: number },
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
export function linePath(
  buckets: readonly Bucket[],
  values: Layer['values'],
  { width, height, top }: { width: number; height: number; top: number },
): string {
  let path = '';
  buckets.forEach(({ left, right }, i) => {
    const value = values[i];
    if (value === undefined) return;
    const y = round(height - (value / top) * height);
    const alone = values[i - 1] === undefined && values[i + 1] === undefined;
    if (alone) path += `M${round(left * width)},${y}H${round(right * width)}`;
    else path += `${values[i - 1] === undefined ? 'M' : 'L'}${round(((left + right) / 2) * width)},${y}`;
  });
  return path;
}

/** Which bucket is at a fraction of the width. */
export const bucketAt = (buckets: readonly Bucket[], fraction: number): number | undefined => {
  const i = buckets.findIndex(({ left, right }) => fraction >= left && fraction < right);
  return i < 0 ? undefined : i;
};
