// Metrics in the catalogue: which of them is which, and finding them by what one remembers of them.

import type { Filter } from '../../api/endpoints';
import type { CatalogueMetric } from '../../api/model';
import type { MetricsSearch } from './view';

/** Those whose name, description or services contain the text, case aside. */
export function findMetrics(metrics: readonly CatalogueMetric[], text: string): readonly CatalogueMetric[] {
  const needle = text.toLowerCase();
  const has = (hay: string) => hay.toLowerCase().includes(needle);
  return metrics.filter(({ metric, services }) => has(metric.name) || has(metric.description) || services.some(has));
}

/** What no two metrics of the catalogue share. A name alone is not that: two services may mean different things by it. */
export const metricKey = ({ metric: { name, unit, type, temporality, monotonic } }: CatalogueMetric): string =>
  JSON.stringify([name, unit, type, temporality, monotonic]);

type Named = Pick<MetricsSearch, 'name' | 'type' | 'unit'>;

/** The metrics of the catalogue, and the names that several of them have. */
export interface Names {
  metrics: readonly CatalogueMetric[];
  several: ReadonlySet<string>;
}

export function namesOf(metrics: readonly CatalogueMetric[]): Names {
  const [seen, several] = [new Set<string>(), new Set<string>()];
  for (const { metric } of metrics) (seen.has(metric.name) ? several : seen).add(metric.name);
  return { metrics, several };
}

/** How the address names a metric: by more than its name where others have that, too. */
export const nameInAddress = ({ metric }: CatalogueMetric, { several }: Pick<Names, 'several'>): Named =>
  several.has(metric.name)
    ? { name: metric.name, type: metric.type, ...(metric.unit === '' ? {} : { unit: metric.unit }) }
    : { name: metric.name };

/** The metric that the address names. */
export function metricOf({ metrics }: Names, { name, type, unit }: Named): CatalogueMetric | undefined {
  const of = metrics.filter(({ metric }) => metric.name === name);
  const exactly = of.find(({ metric }) => metric.type === type && metric.unit === (unit ?? ''));
  return exactly ?? of[0];
}

/** What a question about the metric has to ask beside its name: points of two kinds are not put together. */
export function filtersOf({ metric }: CatalogueMetric, { several }: Pick<Names, 'several'>): Filter[] {
  if (!several.has(metric.name)) return [];
  const unit: Filter =
    metric.unit === ''
      ? { field: 'unit', operator: 'exists', value: false }
      : { field: 'unit', operator: 'eq', value: metric.unit };
  return [{ field: 'type', operator: 'eq', value: metric.type }, unit];
}
