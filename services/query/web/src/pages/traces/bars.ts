// Where the bars and the line of the strip stand: rates over time, of what went well and what failed, and the p95 of durations.

import type { Answer, Figures } from '../../api/model';
import { instantToMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import { placeOf } from './figures';

export interface Bar {
  /** Milliseconds. */
  from: number;
  to: number;
  /** Fractions of the plot's width. */
  left: number;
  right: number;
  count: number;
  errors: number;
  /** A second. */
  rate: number;
  /** Nanoseconds; undefined where nothing is. */
  p95: number | undefined;
}

/** Parts of a range, as fractions of it, of which an answer knows less. */
export interface Gaps {
  /** Before it nothing was looked at. */
  cut: number | undefined;
  /** From here on what was accepted may be missing. */
  open: number | undefined;
}

export interface StripLayout {
  bars: readonly Bar[];
  /** The rate and the duration at the top of the plot; round figures. */
  topRate: number;
  topP95: number;
}

const clamp = (fraction: number) => Math.min(Math.max(fraction, 0), 1);

/** From a moment in milliseconds to its fraction of a range. */
export function fractionOf({ from, to }: Bounds): (millis: number) => number {
  const start = instantToMillis(from);
  const length = Math.max(instantToMillis(to) - start, 1);
  return (millis) => clamp((millis - start) / length);
}

/** The moment, in milliseconds, at a fraction of a range. */
export const momentAt = ({ from, to }: Bounds, fraction: number): number =>
  instantToMillis(from) + fraction * (instantToMillis(to) - instantToMillis(from));

export function gapsOf({ since, completeness }: Answer<unknown>, bounds: Bounds): Gaps {
  const at = fractionOf(bounds);
  const open = completeness.watermark === undefined ? 1 : at(completeness.watermark.getTime());
  return { cut: since === undefined ? undefined : at(instantToMillis(since)), open: open < 1 ? open : undefined };
}

export function layoutStrip({ timeline, total }: Figures, bounds: Bounds): StripLayout {
  const at = fractionOf(bounds);
  const series = (measure: Parameters<typeof placeOf>[0]) => total.series[placeOf(measure)] ?? [];
  const [counts, errors, rates, p95s] = [series('count'), series('errors'), series('rate'), series('p95')];
  const bars: Bar[] = [];
  for (let i = 0; i < (timeline?.buckets ?? 0); i++) {
    const from = instantToMillis(timeline!.start) + i * timeline!.stepSeconds * 1000;
    const to = from + timeline!.stepSeconds * 1000;
    if (at(to) <= 0 || at(from) >= 1) continue;
    bars.push({
      from,
      to,
      left: at(from),
      right: at(to),
      count: counts[i] ?? 0,
      errors: errors[i] ?? 0,
      rate: rates[i] ?? 0,
      p95: p95s[i],
    });
  }
  return {
    bars,
    topRate: roundUp(Math.max(...bars.map((bar) => bar.rate), 0)),
    topP95: roundUp(Math.max(...bars.map((bar) => bar.p95 ?? 0), 0)),
  };
}

/** The next of 1, 2, 5, 10, 20 … that is not below; 1 for 0. */
export function roundUp(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((factor) => factor * power >= value * 0.9999) ?? 10) * power;
}

/** The p95 as the path of a line through the middles of its bars, `height` pixels high; broken where there is none. */
export function linePath({ bars, topP95 }: StripLayout, width: number, height: number): string {
  let path = '';
  let drawn = false;
  for (const { left, right, p95 } of bars) {
    if (p95 !== undefined) {
      const x = ((left + right) / 2) * width;
      const y = (1 - p95 / topP95) * height;
      // A point by itself is a line of no length, which round ends make a dot.
      path += `${drawn ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}${drawn ? '' : 'h0'}`;
    }
    drawn = p95 !== undefined;
  }
  return path;
}

/** The bar at a fraction of the width. */
export const barAt = (bars: readonly Bar[], fraction: number): Bar | undefined =>
  bars.find((bar) => fraction >= bar.left && fraction < bar.right);
