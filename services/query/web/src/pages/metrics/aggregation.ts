// What can be shown of a metric by its type, and how that is asked for. One row for each way: what it is called, what is asked, and what its
// figures are.

import type { LinesAsked } from '../../api/endpoints';
import type { Metric, OverSeries } from '../../api/model';
import { unitOf, type Unit } from '../../parts/unit';

/** How series become one. */
export type Across = Extract<OverSeries, 'none' | 'sum' | 'avg' | 'min' | 'max' | 'count'>;

interface Way {
  readonly id: string;
  readonly label: string;
  readonly of: (metric: Metric) => boolean;
  readonly question: Pick<LinesAsked, 'overTime' | 'overSeries' | 'value'>;
  /** Of what its figures are. */
  readonly figures: 'values' | 'values a second' | 'items' | 'items a second';
  /** How series can be put together; none where the question says how. */
  readonly across: readonly Across[];
  /** What is chosen of that where series are grouped. */
  readonly grouped?: (metric: Metric) => Across;
  /** Whether figures may be far from zero, as those of gauges may. */
  readonly anywhere?: boolean;
}

const isNumber = ({ type }: Metric) => type === 'gauge' || type === 'sum';
const isHistogram = ({ type }: Metric) => type === 'histogram' || type === 'exponential_histogram';
const isSummary = ({ type }: Metric) => type === 'summary';

/** Whether what its points tell is added up. */
const adds = (metric: Metric) => metric.type === 'sum' && (metric.monotonic || metric.temporality === 'delta');

const every: readonly Across[] = ['none', 'sum', 'avg', 'min', 'max', 'count'];
const sums = { across: every, grouped: (): Across => 'sum' };
const standing = {
  across: every,
  grouped: ({ type }: Metric): Across => (type === 'sum' ? 'sum' : 'avg'),
  anywhere: true,
  figures: 'values',
} as const;

const plain = (metric: Metric) => isNumber(metric) && !adds(metric);
const counts = (metric: Metric) => isHistogram(metric) || isSummary(metric);

/** All of them. The first that a metric has is shown unless another is chosen. */
const ways = [
  { id: 'value', label: 'Value', of: plain, question: { overTime: 'last' }, ...standing },
  { id: 'avg', label: 'Average over time', of: plain, question: { overTime: 'avg' }, ...standing },
  { id: 'min', label: 'Minimum over time', of: plain, question: { overTime: 'min' }, ...standing },
  { id: 'max', label: 'Maximum over time', of: plain, question: { overTime: 'max' }, ...standing },
  { id: 'rate', label: 'Rate', of: adds, question: { overTime: 'rate' }, figures: 'values a second', ...sums },
  { id: 'increase', label: 'Increase', of: adds, question: { overTime: 'increase' }, figures: 'values', ...sums },
  {
    id: 'total',
    label: 'Total so far',
    of: (metric) => adds(metric) && metric.temporality === 'cumulative',
    question: { overTime: 'last' },
    ...standing,
  },
  {
    id: 'quantiles',
    label: 'Quantiles',
    of: isHistogram,
    question: { overSeries: 'quantile' },
    figures: 'values',
    across: [],
  },
  {
    id: 'heatmap',
    label: 'Heatmap',
    of: isHistogram,
    question: { overSeries: 'histogram' },
    figures: 'values',
    across: [],
  },
  { id: 'mean', label: 'Mean', of: isHistogram, question: { overSeries: 'mean' }, figures: 'values', across: [] },
  {
    id: 'told',
    label: 'Quantile, as it was sent',
    of: isSummary,
    question: { overTime: 'last', value: 'quantile' },
    figures: 'values',
    // Those of several series cannot be put together; between which they lie can be told.
    across: ['none', 'min', 'max'],
    grouped: () => 'max',
  },
  {
    id: 'ratio',
    label: 'Mean',
    of: isSummary,
    question: { overTime: 'increase', value: 'sum' },
    figures: 'values',
    across: ['none', 'sum'],
    grouped: () => 'sum',
  },
  {
    id: 'rate',
    label: 'Rate of observations',
    of: counts,
    question: { overTime: 'rate', value: 'count' },
    figures: 'items a second',
    ...sums,
  },
  {
    id: 'increase',
    label: 'Observations',
    of: counts,
    question: { overTime: 'increase', value: 'count' },
    figures: 'items',
    ...sums,
  },
  {
    id: 'sum',
    label: 'Sum of what was observed',
    of: counts,
    question: { overTime: 'rate', value: 'sum' },
    figures: 'values a second',
    ...sums,
  },
] as const satisfies readonly Way[];

export type WayName = (typeof ways)[number]['id'];

/** How an answer is to be read, and what was asked. */
export interface Aggregation {
  way: WayName;
  label: string;
  /** Of the metric's type, all of them. */
  ways: readonly { id: WayName; label: string }[];
  across: Across | undefined;
  /** Those that there are a choice of; fewer where series are grouped. */
  acrossOf: readonly Across[];
  quantiles: readonly number[];
  question: Pick<LinesAsked, 'overTime' | 'overSeries' | 'value' | 'quantiles'>;
  unit: Unit;
  /** Whether the scale may begin elsewhere than at zero. */
  anywhere: boolean;
  /** Whether figures are what was observed, so that an exemplar has its place among them. */
  observed: boolean;
}

export const acrossLabels: Readonly<Record<Across, string>> = {
  none: 'each series',
  sum: 'sum',
  avg: 'average',
  min: 'minimum',
  max: 'maximum',
  count: 'number of series',
};

/** What is shown of a histogram unless somebody chooses. */
export const usualQuantiles: readonly number[] = [0.5, 0.95, 0.99];

/** What somebody chose, as far as the metric has it, and for all else what is usual. */
export function aggregationOf(
  metric: Metric,
  chosen: { show?: string | undefined; across?: string | undefined; quantiles: readonly number[]; grouped: boolean },
): Aggregation {
  const all: readonly (Way & { id: WayName })[] = ways;
  const own = all.filter((way) => way.of(metric));
  const way = own.find(({ id }) => id === chosen.show) ?? own[0] ?? all[0]!;
  const acrossOf = chosen.grouped ? way.across.filter((name) => name !== 'none') : way.across;
  const across =
    acrossOf.find((name) => name === chosen.across) ??
    (chosen.grouped ? acrossOf.find((name) => name === way.grouped?.(metric)) : acrossOf[0]);
  const several = way.id === 'quantiles';
  const asked = chosen.quantiles.length > 0 ? chosen.quantiles : usualQuantiles;
  const quantiles = several ? asked : way.id === 'told' ? asked.slice(0, 1) : [];
  const overSeries = across ?? way.question.overSeries;
  return {
    way: way.id,
    label: way.label,
    ways: own.map(({ id, label }) => ({ id, label })),
    across,
    acrossOf,
    quantiles,
    question: {
      ...way.question,
      ...(overSeries === undefined ? {} : { overSeries }),
      ...(quantiles.length === 0 ? {} : { quantiles }),
    },
    unit: across === 'count' ? unitOf('{series}') : unitOfFigures(metric, way),
    anywhere: way.anywhere === true && across !== 'count',
    observed:
      across !== 'count' && (way.id === 'quantiles' || way.id === 'heatmap' || way.id === 'mean' || plain(metric)),
  };
}

function unitOfFigures(metric: Metric, { figures }: Way): Unit {
  switch (figures) {
    case 'values':
      return unitOf(metric.unit);
    case 'values a second':
      return unitOf(metric.unit, true);
    case 'items':
      return unitOf('{observation}');
    case 'items a second':
      return unitOf('{observation}', true);
  }
}

/** What is shown of a metric at a glance: one line of all its series together. */
export function glanceOf(metric: Metric): Aggregation {
  const of = aggregationOf(metric, { quantiles: isHistogram(metric) ? [0.95] : [], grouped: true });
  return isSummary(metric) ? aggregationOf(metric, { show: 'rate', quantiles: [], grouped: true }) : of;
}
