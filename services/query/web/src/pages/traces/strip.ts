// What the strip draws: rates over time, of what went well and what failed, and the p95 of durations.

import type { Figures } from '../../api/model';
import type { Layer } from '../../parts/chartLayout';
import { placeOf } from './figures';

/** What is told of one bucket. */
export interface Bar {
  count: number;
  errors: number;
  /** A second. */
  rate: number;
  /** Nanoseconds; undefined where nothing is. */
  p95: number | undefined;
}

export interface StripLayers {
  /** By bucket. */
  bars: readonly Bar[];
  /** What failed, and what went well upon it. */
  rates: readonly Layer[];
  durations: readonly Layer[];
}

export function stripLayers({ timeline, total }: Figures): StripLayers {
  const series = (measure: Parameters<typeof placeOf>[0]) => total.series[placeOf(measure)] ?? [];
  const [counts, errors, rates, p95s] = [series('count'), series('errors'), series('rate'), series('p95')];
  const bars = Array.from({ length: timeline?.buckets ?? 0 }, (_, i): Bar => ({
    count: counts[i] ?? 0,
    errors: errors[i] ?? 0,
    rate: rates[i] ?? 0,
    p95: p95s[i],
  }));
  const failed = bars.map((bar) => (bar.count === 0 ? 0 : (bar.errors / bar.count) * bar.rate));
  return {
    bars,
    rates: [
      { label: 'failed', colour: 'var(--error)', values: failed },
      { label: 'good', colour: 'var(--volume)', values: bars.map((bar, i) => bar.rate - (failed[i] ?? 0)) },
    ],
    durations: [{ label: 'p95', colour: 'var(--ink)', values: bars.map((bar) => bar.p95) }],
  };
}
