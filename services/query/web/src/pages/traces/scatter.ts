// Where the dots of the traces chart stand: time to the right, duration upwards on a logarithmic scale.

import type { TraceSummary } from '../../api/model';
import { instantToMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';

export interface Dot {
  trace: TraceSummary;
  /** Fractions of the plot, from the left and from the bottom. */
  x: number;
  y: number;
}

export interface Scatter {
  dots: readonly Dot[];
  /** Milliseconds at the left and right edges. */
  from: number;
  to: number;
  /** Nanoseconds at the bottom and the top. */
  low: number;
  high: number;
}

/**
 * Lays out the loaded traces. When more can be loaded, the axis is that of the loaded ones, so that they fill the plot
 * instead of crowding at its edge; otherwise it is that of the whole range.
 */
export function layoutScatter(traces: readonly TraceSummary[], bounds: Bounds, hasMore: boolean): Scatter {
  let oldest = Infinity;
  let newest = -Infinity;
  let shortest = Infinity;
  let longest = -Infinity;
  for (const trace of traces) {
    const at = instantToMillis(trace.start);
    oldest = Math.min(oldest, at);
    newest = Math.max(newest, at);
    const duration = Math.max(trace.duration, 1);
    shortest = Math.min(shortest, duration);
    longest = Math.max(longest, duration);
  }
  const lower = instantToMillis(bounds.from);
  const partial = hasMore && Number.isFinite(oldest);
  const to = partial ? newest : Math.max(instantToMillis(bounds.to), newest);
  const from = Math.min(partial ? oldest : lower, to - 1);
  // Whole decades, widened to at least one, keep the axis still while traces come and go.
  const low = Number.isFinite(shortest) ? 10 ** Math.floor(Math.log10(shortest)) : 1e6;
  const high = Math.max(Number.isFinite(longest) ? 10 ** Math.ceil(Math.log10(longest)) : 1e9, low * 10);
  const height = Math.log10(high / low);
  const clamp = (v: number) => Math.min(Math.max(v, 0), 1);
  const dots = traces.map((trace) => ({
    trace,
    x: clamp((instantToMillis(trace.start) - from) / (to - from)),
    y: clamp(Math.log10(Math.max(trace.duration, 1) / low) / height),
  }));
  // Errors last: they are drawn over the others.
  dots.sort((a, b) => Number(a.trace.errors > 0) - Number(b.trace.errors > 0));
  return { dots, from, to, low, high };
}

/** The dot nearest to a place given in pixels from the top left, within reach; undefined when none is near. */
export function nearestDot(
  dots: readonly Dot[],
  at: { x: number; y: number },
  size: { width: number; height: number },
  reach: number,
): Dot | undefined {
  let best: Dot | undefined;
  let least = reach * reach;
  for (const dot of dots) {
    const dx = dot.x * size.width - at.x;
    const dy = (1 - dot.y) * size.height - at.y;
    const distance = dx * dx + dy * dy;
    if (distance <= least) {
      least = distance;
      best = dot;
    }
  }
  return best;
}
