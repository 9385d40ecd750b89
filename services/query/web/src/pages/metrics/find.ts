// Finding metrics in the catalogue by what one remembers of them.

import type { CatalogueMetric } from '../../api/model';

/** Those whose name, description or services contain the text, case aside. */
export function findMetrics(metrics: readonly CatalogueMetric[], text: string): readonly CatalogueMetric[] {
  const needle = text.toLowerCase();
  const has = (hay: string) => hay.toLowerCase().includes(needle);
  return metrics.filter(({ metric, services }) => has(metric.name) || has(metric.description) || services.some(has));
}
