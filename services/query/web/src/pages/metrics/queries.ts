// The questions of the page about one metric.

import { listMetricLabels, listMetricsOf, queryMetric, type Filter, type LinesAsked } from '../../api/endpoints';
import type { Answer, CatalogueMetric, MetricLabel, MetricLines } from '../../api/model';
import { asText, useAnswer, type Asked } from '../../parts/answer';
import type { Bounds } from '../../time/range';
import { stepFor } from '../../time/steps';
import type { Aggregation } from './aggregation';
import { metricKey } from './find';
import { meansOf } from './lines';

export type AskedLines = Asked<MetricLines> & { bounds: Bounds | undefined };

interface Wanted {
  metric: string;
  /** Undefined until they are known. */
  filters: readonly Filter[] | undefined;
  aggregation: Aggregation;
  by: readonly string[];
  top: number;
  exemplars: number;
}

/** One metric over the range. */
export function useLines({ metric, filters, aggregation, by, top, exemplars }: Wanted): AskedLines {
  const { way, question } = aggregation;
  const wanted = { ...question, ...(by.length === 0 ? {} : { groupBy: by }), limit: top, exemplars };
  return useAnswer(
    ['metric-lines', metric, way, asText([filters, wanted])],
    (bounds, signal) => {
      const asked = { metric, bounds, filters: filters ?? [], ...wanted, stepSeconds: stepFor(bounds) };
      return way === 'ratio' ? askMeans(asked, top, signal) : queryMetric(asked, signal);
    },
    filters !== undefined,
  );
}

/** Lines of which means are made: those with the highest means may be neither those of the highest sums nor of the most observations. */
const mostOfMeans = 1_000;

/** Nobody tells means of summaries: they are sums by counts. */
async function askMeans(asked: LinesAsked, top: number, signal: AbortSignal): Promise<Answer<MetricLines>> {
  const of = { ...asked, limit: mostOfMeans };
  const [sums, counts] = await Promise.all([
    queryMetric(of, signal),
    queryMetric({ ...of, value: 'count', exemplars: 0 }, signal),
  ]);
  return { ...sums, incomplete: sums.incomplete ?? counts.incomplete, data: meansOf(sums.data, counts.data, top) };
}

/** By what series of the metric can be told apart; asked where somebody chooses. */
export const useLabels = (metric: string, wanted: boolean): Asked<readonly MetricLabel[]> =>
  useAnswer(['metric-labels', metric], (bounds, signal) => listMetricLabels(metric, bounds, signal), wanted, 30_000);

/** Which quantiles the newest point of a summary tells. */
export function useToldQuantiles(entry: CatalogueMetric): Asked<readonly number[]> {
  const { name, type } = entry.metric;
  const asked = useAnswer(
    ['metric-quantiles', name],
    (bounds, signal) => listMetricsOf(name, bounds, signal),
    type === 'summary',
    60_000,
  );
  const own = asked.data?.find((of) => metricKey(of) === metricKey(entry));
  return { ...asked, data: asked.data === undefined ? undefined : (own?.quantiles ?? []) };
}
