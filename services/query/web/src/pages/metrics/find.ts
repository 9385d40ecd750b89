// Metrics in the catalogue: which of them is which, and finding them by what one remembers of them.

import type { CatalogueMetric } from '../../api/model';

/** Those whose name, description or services contain the text, case aside. */
export function findMetrics(metrics: readonly CatalogueMetric[], text: string): readonly CatalogueMetric[] {
  const needle = text.toLowerCase();
  const has = (hay: string) => hay.toLowerCase().includes(needle);
  return metrics.filter(({ metric, services }) => has(metric.name) || has(metric.description) || services.some(has));
}

/** What no two metrics of the catalogue share. A name alone is not that: two services may mean different things by it. */
export const metricKey = ({ metric: { name, unit, type, temporality, monotonic } }: CatalogueMetric): string =>
  JSON.stringify([name, unit, type, temporality, monotonic]);
