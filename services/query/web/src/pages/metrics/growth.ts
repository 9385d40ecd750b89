// What is told of how many series a metric has.

import type { MetricCardinality } from '../../api/model';

/** By how many series it grew, as a share of what it had: what is new grew most, what nobody knows least. */
export function growthOf({ series, before }: Pick<MetricCardinality, 'series' | 'before'>): number {
  if (before === undefined) return -Infinity;
  return before === 0 ? (series === 0 ? 0 : Infinity) : series / before - 1;
}
