// Figures over time: what the counts of buckets come to where a bucket is only in part of the range, or of what has data.

import type { Covered, Timeline } from '../api/model';
import { instantToMillis } from '../time/instant';

/** The part of a bucket, of its length, below which its rate is noise: it is left out. */
const leastPart = 0.1;

/** Where each bucket begins, in milliseconds since 1970, and where the last one ends. */
export function bucketEdges({ start, stepSeconds, buckets }: Timeline): number[] {
  const first = instantToMillis(start);
  return Array.from({ length: buckets + 1 }, (_, i) => first + i * stepSeconds * 1000);
}

/** Counts of buckets as rates a second over the part of each that is covered; undefined where that is nothing or too little. */
export function bucketRates(counts: readonly number[], timeline: Timeline, covered: Covered): (number | undefined)[] {
  const edges = bucketEdges(timeline);
  const from = instantToMillis(covered.from);
  const to = instantToMillis(covered.to);
  return counts.map((count, i) => {
    const start = Math.max(edges[i] ?? Infinity, from);
    const end = Math.min(edges[i + 1] ?? -Infinity, to);
    const seconds = (end - start) / 1000;
    return seconds < timeline.stepSeconds * leastPart ? undefined : count / seconds;
  });
}

/** What part of each whole something is; undefined where there is nothing that it could be part of. */
export const bucketShares = (parts: readonly number[], wholes: readonly number[]): (number | undefined)[] =>
  parts.map((part, i) => {
    const whole = wholes[i] ?? 0;
    return whole > 0 ? part / whole : undefined;
  });
