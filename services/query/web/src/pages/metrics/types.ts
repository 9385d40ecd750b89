import type { MetricType } from '../../api/model';

export const typeLabels: Readonly<Record<MetricType, string>> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exp. histogram',
  summary: 'summary',
};
