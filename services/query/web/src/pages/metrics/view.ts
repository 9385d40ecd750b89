// The metrics page's part of the address: which metric, what is shown of it, and how.

import type { MetricLabel } from '../../api/model';
import { compact, many, one } from '../../route/search';

export interface MetricsSearch {
  /** Of the metric that is shown; of none, the catalogue is. */
  name?: string;
  /** Which of several metrics of that name. */
  type?: string;
  unit?: string;
  find?: string;
  q?: string;
  /** In place of the catalogue: which metrics have most series. */
  cardinality?: 'on';
  /** The order of the catalogue, or of the cardinality, "-series". */
  sort?: string;
  /** Folders that somebody has opened or closed. */
  folder?: string[];
  /** See ways of aggregationOf. */
  show?: string;
  across?: string;
  /** Fields that series are grouped by. */
  by?: string[];
  quantile?: string[];
  /** Lines that are drawn. */
  top?: string;
  /** The key of the line that is shown alone. */
  alone?: string;
  /** The order of the legend, "-last". */
  legend?: string;
  exemplars?: 'off';
  /** Of the cardinality of a metric: the label whose values are shown, "resource.host.name". */
  label?: string;
}

/** Fields that the server groups by, at most. */
export const mostGroups = 3;

/** Numbers of lines that can be chosen; the second unless somebody does. */
export const tops = [5, 10, 20, 50] as const;
const usualTop = 10;

const text = (search: Record<string, unknown>, keys: readonly (keyof MetricsSearch)[]): Partial<MetricsSearch> =>
  Object.fromEntries(keys.map((key) => [key, one(search, key)]));

export const metricsSearch = (search: Record<string, unknown>): MetricsSearch =>
  compact({
    ...text(search, ['name', 'type', 'unit', 'find', 'q', 'sort', 'show', 'across', 'alone', 'legend', 'label']),
    cardinality: one(search, 'cardinality') === 'on' ? ('on' as const) : undefined,
    folder: many(search, 'folder'),
    by: [...new Set(many(search, 'by'))].slice(0, mostGroups),
    quantile: quantilesToSearch(quantilesFrom(many(search, 'quantile'))),
    top: topToSearch(topOf({ top: one(search, 'top') ?? '' })),
    exemplars: one(search, 'exemplars') === 'off' ? ('off' as const) : undefined,
  });

/** Quantiles that one answer tells, at most. */
export const mostQuantiles = 10;

/** Rising, each once. */
export const quantilesFrom = (texts: readonly string[]): number[] =>
  [...new Set(texts.map(Number).filter((q) => q >= 0 && q <= 1))].sort((a, b) => a - b).slice(0, mostQuantiles);

export const quantilesToSearch = (quantiles: readonly number[]): string[] => quantiles.map(String);

export const topOf = ({ top }: Pick<MetricsSearch, 'top'>): number =>
  tops.find((count) => String(count) === top) ?? usualTop;

export const topToSearch = (top: number): string | undefined => (top === usualTop ? undefined : String(top));

/** What is left where another metric is shown: how it is found and asked about, but nothing of what was shown of the last one. */
export const anotherMetric = ({ find, q, sort, folder, top }: MetricsSearch): MetricsSearch =>
  compact({ find, q, sort, folder, top });

type Label = Pick<MetricLabel, 'scope' | 'key'>;

/** A label in the address: "resource.host.name". */
export const labelToText = ({ scope, key }: Label): string => `${scope}.${key}`;

export function labelFromText(text: string | undefined): Label | undefined {
  const scope = (['attributes', 'resource'] as const).find((name) => text?.startsWith(`${name}.`) === true);
  return scope === undefined || text === undefined ? undefined : { scope, key: text.slice(scope.length + 1) };
}
