// One function an endpoint: asks, revives, answers in domain types. Every one takes the signal that ends it early.

import { instantFromMillis } from '../time/instant';
import type { Bounds } from '../time/range';
import { at } from './base';
import { ApiError, getJSON, getText, postJSON, probeJSON, putJSON, remove, streamEvents } from './client';
import type * as model from './model';
import * as revive from './revive';
import type { components } from './wire';

type Wire = components['schemas'];

/**
 * A literal of a filter. A number means integers and doubles of that value; what has a type (integers as bigint) means values
 * of that type alone, and travels as an AnyValue.
 */
export type Literal = string | number | boolean | bigint | Extract<model.Value, { type: 'double' | 'bytes' | 'empty' }>;

export interface Condition {
  field: string;
  operator: model.Operator;
  value: Literal | readonly Literal[];
}

export type Filter =
  | Condition
  | { and: readonly Filter[] }
  | { or: readonly Filter[] }
  /** Not all of them. */
  | { not: readonly Filter[] }
  /** Another span of the trace, which stands in that relation, meets all of them. */
  | { relation: model.Relation; filters: readonly Filter[] };

/** What the server sorts a list by. */
export type SearchOrder = { by: Wire['SortBy']; order: Wire['SortOrder'] };

export interface Search {
  bounds: Bounds;
  filters: readonly Filter[];
  limit: number;
  cursor: string | undefined;
  /** The newest first unless it is given. */
  order?: SearchOrder | undefined;
  /** What is told of each item, by the names that filters have; all of it unless it is given. */
  fields?: readonly string[] | undefined;
}

function literal(value: Literal): unknown {
  if (typeof value === 'bigint') return { intValue: value.toString() };
  if (typeof value !== 'object') return value;
  switch (value.type) {
    case 'double':
      // JSON has no NaN and no infinities: as null the server would take them for a value without content.
      return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'bytes':
      return { bytesValue: value.base64 };
    case 'empty':
      return {};
  }
}

export function wireFilter(filter: Filter): Wire['Filter'] {
  if ('and' in filter) return { and: filter.and.map(wireFilter) };
  if ('or' in filter) return { or: filter.or.map(wireFilter) };
  if ('not' in filter) return { not: filter.not.map(wireFilter) };
  if ('relation' in filter) return { relation: filter.relation, filters: filter.filters.map(wireFilter) };
  const { field, operator, value } = filter;
  return { field, operator, value: isList(value) ? value.map(literal) : literal(value) };
}

const isList = (value: Condition['value']): value is readonly Literal[] => Array.isArray(value);

function searchBody({ bounds, filters, limit, cursor, order, fields }: Search): Wire['SearchRequest'] {
  return {
    time_range: { start_time: bounds.from.toString(), end_time: bounds.to.toString() },
    filters: filters.map(wireFilter),
    pagination: { limit, ...(cursor === undefined ? {} : { cursor }) },
    ...(order === undefined ? {} : { sort: order }),
    ...(fields === undefined ? {} : { fields: [...fields] }),
  };
}

export const between = (bounds: Bounds) => ({ start_time: bounds.from.toString(), end_time: bounds.to.toString() });

export async function searchTraces(search: Search, signal: AbortSignal): Promise<model.Page<model.TraceSummary>> {
  const wire = await postJSON<Wire['TracePage']>('/api/traces/search', searchBody(search), signal);
  return revive.page(wire, wire.traces.map(revive.traceSummary));
}

/** Spans, of each the fields that are asked for and nothing else. */
export async function searchSpans(
  search: Search & { fields: readonly string[] },
  signal: AbortSignal,
): Promise<model.Page<model.ShownItem>> {
  const wire = await postJSON<Wire['SpanPage']>('/api/spans/search', searchBody(search), signal);
  return revive.page(wire, (wire.rows ?? []).map(revive.shownItem));
}

/** Of how many pages of its spans a trace is shown: half a million. */
const tracePages = 10;

/** A trace with all its spans, page by page: their tree is that of all of them. */
export async function getTrace(traceId: string, signal: AbortSignal): Promise<model.Answer<model.Trace>> {
  let spans: model.Span[] = [];
  let cursor: string | undefined;
  for (let page = 1; ; page++) {
    const wire = await getJSON<Wire['Trace']>(
      `/api/traces/${encodeURIComponent(traceId)}`,
      cursor === undefined ? {} : { cursor },
      signal,
    );
    spans = spans.concat(revive.trace(wire).spans);
    cursor = wire.next_cursor;
    if (cursor !== undefined && page < tracePages) continue;
    const told = revive.answer(wire, { traceId: wire.trace_id, spans });
    return cursor === undefined
      ? told
      : { ...told, incomplete: `it holds the newest ${spans.length} spans of the trace` };
  }
}

const otlpOf = (traceId: string): string => `/api/traces/${encodeURIComponent(traceId)}?format=otlp`;

/** The address of a trace as OTLP/JSON, for a download that any other tool can read. */
export const traceFile = (traceId: string): string => at(otlpOf(traceId));

/** A trace as the text of OTLP/JSON; of one that comes by pages the newest. */
export async function getTraceText(traceId: string, signal: AbortSignal): Promise<model.Answer<string>> {
  const { text, headers } = await getText(otlpOf(traceId), signal);
  const cut = headers.get('X-Olly-Incomplete');
  const more = headers.get('X-Olly-Next-Cursor') !== null;
  return {
    ...revive.untold(text),
    incomplete: cut !== null ? `by its ${cut}` : more ? 'it holds the newest spans of the trace' : undefined,
  };
}

/** Two traces side by side: `a` and `b`. */
export async function compareTraces(
  a: string,
  b: string,
  signal: AbortSignal,
): Promise<model.Answer<model.TraceComparison>> {
  const wire = await getJSON<Wire['TraceComparison']>(
    `/api/traces/${encodeURIComponent(a)}/compare`,
    { with: b },
    signal,
  );
  return revive.answer(wire, revive.traceComparison(wire));
}

/** What metrics kept of a trace. */
export async function getTraceExemplars(
  traceId: string,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.Exemplar[]>> {
  const wire = await getJSON<Wire['TraceExemplars']>(
    `/api/traces/${encodeURIComponent(traceId)}/exemplars`,
    {},
    signal,
  );
  return revive.answer(wire, wire.exemplars.map(revive.exemplar));
}

export async function getTraceLogs(
  traceId: string,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<model.Page<model.LogRecord>> {
  const wire = await getJSON<Wire['LogPage']>(
    `/api/traces/${encodeURIComponent(traceId)}/logs`,
    { limit: '1000', ...(cursor === undefined ? {} : { cursor }) },
    signal,
  );
  return revive.page(wire, revive.logs(wire));
}

export async function searchLogs(search: Search, signal: AbortSignal): Promise<model.Page<model.LogRecord>> {
  const wire = await postJSON<Wire['LogPage']>('/api/logs/search', searchBody(search), signal);
  return revive.page(wire, revive.logs(wire));
}

/** The records around one: so many to each side, or the page that a cursor of a page leads to. */
export async function getLogContext(
  { id, time }: Pick<model.LogRecord, 'id' | 'time'>,
  by: model.ContextBy,
  limit: number,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<model.Answer<model.LogContext>> {
  const wire = await getJSON<Wire['LogContext']>(
    `/api/logs/${encodeURIComponent(id)}/context`,
    { time: time.toString(), by, limit: String(limit), ...(cursor === undefined ? {} : { cursor }) },
    signal,
  );
  return revive.answer(wire, revive.logContext(wire));
}

/** What the records of a range have in common, what most have first. */
export async function getLogPatterns(
  filters: readonly Filter[],
  limit: number,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<model.LogPatterns>> {
  const body: Wire['PatternRequest'] = {
    time_range: between(bounds),
    filters: filters.map(wireFilter),
    limit,
    // As wide as a sparkline can tell apart.
    buckets: 40,
    compare: true,
    sample: 400_000,
  };
  const wire = await postJSON<Wire['LogPatterns']>('/api/logs/patterns', body, signal);
  return revive.answer(wire, revive.logPatterns(wire));
}

/** Follows log records as they arrive, from after one of them if it is given, until the server ends it. */
export const followLogs = (
  filters: readonly Filter[],
  after: string | undefined,
  signal: AbortSignal,
  on: (event: model.LiveEvent) => void,
): Promise<void> =>
  streamEvents(
    '/api/logs/tail',
    { ...inAddress(filters), ...(after === undefined ? {} : { after }) },
    signal,
    (event) => {
      const live = revive.liveEvent(event);
      if (live !== undefined) on(live);
    },
  );

export async function listServices(
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.Service[]>> {
  const wire = await getJSON<Wire['ServiceList']>('/api/services', between(bounds), signal);
  return revive.first(wire, wire.services.map(revive.service), wire.total, 'services');
}

/** Which services are meant. */
export interface ServiceChoice {
  /** service.namespace; all of them where undefined. */
  namespace: string | undefined;
  /** ollyScale's own as well. */
  own: boolean;
}

const choose = ({ namespace, own }: ServiceChoice): Record<string, string> => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(own ? {} : { hide_own: 'true' }),
});

/** Of how many pages of a thousand services the list is made. */
const servicePages = 5;

/**
 * All services with their figures, those of the period before, and, where asked for, those over time in at most so many
 * buckets; of more services than can be told over time, without the last. They come by name: of `only` one name, no page is asked for after
 * those that have it.
 */
export async function listServiceFigures(
  choice: ServiceChoice,
  buckets: number | undefined,
  bounds: Bounds,
  signal: AbortSignal,
  only?: string,
): Promise<model.Answer<model.ServiceList>> {
  const path = '/api/services';
  let query: Record<string, string> = { ...between(bounds), ...choose(choice), before: 'true', ever: 'true' };
  const ask = (more: Record<string, string>) => getJSON<Wire['ServiceList']>(path, { ...query, ...more }, signal);
  let wire: Wire['ServiceList'];
  try {
    const overTime: Record<string, string> = buckets === undefined ? {} : { buckets: String(buckets) };
    wire = await ask(overTime);
    query = { ...query, ...overTime };
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'timeline.too_long')) throw error;
    wire = await ask({});
  }
  let services = wire.services.map(revive.service);
  let cursor = wire.next_cursor;
  const isPast = () =>
    only !== undefined && services.some((one) => one.name === only) && services.at(-1)?.name !== only;
  for (let page = 2; cursor !== undefined && page <= servicePages && !isPast(); page++) {
    const more: Wire['ServiceList'] = await ask({ cursor });
    services = services.concat(more.services.map(revive.service));
    cursor = more.next_cursor;
  }
  return { ...revive.first(wire, services, wire.total, 'services'), data: revive.serviceList(wire, services) };
}

/** One service, in one namespace or in all in which its name occurs. */
export interface ServiceName {
  name: string;
  namespace: string | undefined;
}

const ofService = <T>(
  { name, namespace }: ServiceName,
  what: string,
  query: Record<string, string>,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<T> =>
  getJSON<T>(
    `/api/services/${encodeURIComponent(name)}/${what}`,
    { ...between(bounds), ...(namespace === undefined ? {} : { namespace }), ...query },
    signal,
  );

export async function listOperations(
  service: ServiceName,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.Operation[]>> {
  const wire = await ofService<Wire['OperationList']>(service, 'operations', { sort: 'total_time' }, bounds, signal);
  return revive.first(wire, wire.operations.map(revive.operation), wire.total, 'operations');
}

export async function listDependencies(
  service: ServiceName,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<model.DependencyList>> {
  const wire = await ofService<Wire['DependencyList']>(service, 'dependencies', {}, bounds, signal);
  const both = [...wire.callers, ...wire.calls];
  const told = revive.first(wire, both, wire.total_callers + wire.total_calls, 'callers and called');
  return { ...told, data: revive.dependencies(wire) };
}

export async function listInstances(
  service: ServiceName,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<model.InstanceList>> {
  const wire = await ofService<Wire['InstanceList']>(service, 'instances', {}, bounds, signal);
  return revive.answer(wire, revive.instances(wire));
}

export async function getServiceMap(
  choice: ServiceChoice,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<model.ServiceMap>> {
  const wire = await getJSON<Wire['ServiceMap']>('/api/service-map', { ...between(bounds), ...choose(choice) }, signal);
  return revive.answer(wire, revive.serviceMap(wire));
}

export async function listMetrics(
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.CatalogueMetric[]>> {
  const wire = await getJSON<Wire['MetricCatalogue']>('/api/metrics', between(bounds), signal);
  return revive.answer(wire, wire.metrics.map(revive.catalogueMetric));
}

/** The metrics of a name, with what their newest points tell. Others follow, whose names begin with it. */
export async function listMetricsOf(
  name: string,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.CatalogueMetric[]>> {
  const query = { ...between(bounds), prefix: name, last: 'true', limit: '20' };
  const wire = await getJSON<Wire['MetricCatalogue']>('/api/metrics', query, signal);
  return revive.answer(wire, wire.metrics.map(revive.catalogueMetric));
}

/** A question for one metric over time. What is left open follows the metric's type. */
export interface LinesAsked {
  metric: string;
  bounds: Bounds;
  filters: readonly Filter[];
  overTime?: model.OverTime | undefined;
  overSeries?: model.OverSeries | undefined;
  /** Of histograms and summaries. */
  value?: 'count' | 'sum' | 'quantile' | undefined;
  quantiles?: readonly number[] | undefined;
  groupBy?: readonly string[] | undefined;
  /** Lines that are told. */
  limit: number;
  stepSeconds?: number | undefined;
  /** At most so many buckets instead. */
  buckets?: number | undefined;
  exemplars?: number | undefined;
}

export async function queryMetric(asked: LinesAsked, signal: AbortSignal): Promise<model.Answer<model.MetricLines>> {
  const wire = await postJSON<Wire['MetricLines']>(
    '/api/metrics/query',
    {
      metric: asked.metric,
      time_range: between(asked.bounds),
      filters: asked.filters.map(wireFilter),
      over_time: asked.overTime,
      over_series: asked.overSeries,
      value: asked.value,
      quantiles: asked.quantiles,
      group_by: asked.groupBy,
      limit: asked.limit,
      step_seconds: asked.stepSeconds,
      buckets: asked.buckets,
      exemplars: asked.exemplars,
    },
    signal,
  );
  return revive.answer(wire, revive.metricLines(wire));
}

const ofMetric = (name: string) => `/api/metrics/${encodeURIComponent(name)}`;

export async function listMetricLabels(
  name: string,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.MetricLabel[]>> {
  const wire = await getJSON<Wire['MetricLabels']>(`${ofMetric(name)}/labels`, between(bounds), signal);
  return revive.answer(wire, revive.metricLabels(wire));
}

/** The values of a label, those that most series have first. */
export async function listMetricLabelValues(
  name: string,
  label: Pick<model.MetricLabel, 'scope' | 'key'>,
  limit: number,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<model.LabelValues>> {
  const path = `${ofMetric(name)}/labels/${encodeURIComponent(label.key)}/values`;
  const query = { ...between(bounds), scope: label.scope, limit: String(limit) };
  const wire = await getJSON<Wire['MetricLabelValues']>(path, query, signal);
  return revive.answer(wire, revive.labelValues(wire));
}

/** The metrics with most series; of one name with their labels. */
export async function getCardinality(
  name: string | undefined,
  limit: number,
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<model.Cardinality>> {
  const query = { ...between(bounds), limit: String(limit), ...(name === undefined ? {} : { name }) };
  const wire = await getJSON<Wire['Cardinality']>('/api/cardinality', query, signal);
  return revive.answer(wire, revive.cardinality(wire));
}

/** A figure to ask for. */
export interface Measure {
  measure: model.MeasureName;
  field?: string;
  /** Of histograms, at most how many bands. */
  bands?: number;
}

/** A question for figures of all items of a range that meet the filters. */
export interface FiguresAsked {
  bounds: Bounds;
  filters: readonly Filter[];
  signal: model.Signal;
  /** Whole traces instead of spans. */
  of?: 'traces';
  measures: readonly Measure[];
  groupBy?: readonly string[];
  /** Groups that are told. */
  limit?: number;
  /** Over time as well, in buckets of so long. */
  stepSeconds?: number;
}

export async function getFigures(asked: FiguresAsked, signal: AbortSignal): Promise<model.Answer<model.Figures>> {
  const wire = await postJSON<Wire['Aggregate']>(
    '/api/aggregate',
    {
      signal: asked.signal,
      of: asked.of,
      time_range: between(asked.bounds),
      filters: asked.filters.map(wireFilter),
      measures: asked.measures,
      group_by: asked.groupBy,
      limit: asked.limit,
      step_seconds: asked.stepSeconds,
    },
    signal,
  );
  return revive.answer(wire, revive.figures(wire));
}

/** Two sets of items to compare: of those that meet `filters` the selected ones, and the baseline or all others. */
export interface ComparisonAsked {
  bounds: Bounds;
  filters: readonly Filter[];
  signal: 'traces' | 'logs';
  selected: readonly Filter[];
  baseline?: readonly Filter[] | undefined;
  /** Values that are told. */
  limit: number;
}

export async function compareItems(
  asked: ComparisonAsked,
  signal: AbortSignal,
): Promise<model.Answer<model.Comparison>> {
  const wire = await postJSON<Wire['Comparison']>(
    '/api/compare',
    {
      signal: asked.signal,
      time_range: between(asked.bounds),
      filters: asked.filters.map(wireFilter),
      selected: asked.selected.map(wireFilter),
      baseline: asked.baseline?.map(wireFilter),
      limit: asked.limit,
    },
    signal,
  );
  return revive.answer(wire, revive.comparison(wire));
}

/** Filters as a parameter of an address. */
const inAddress = (filters: readonly Filter[]): { filters?: string } =>
  filters.length === 0 ? {} : { filters: JSON.stringify(filters.map(wireFilter)) };

/** The keys of attributes that begin with a text, those that most items have first. */
export async function listAttributeKeys(
  of: model.Signal,
  bounds: Bounds,
  prefix: string,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.AttributeKey[]>> {
  const query = { signal: of, limit: '500', ...between(bounds), ...(prefix === '' ? {} : { prefix }) };
  const wire = await getJSON<Wire['AttributeKeys']>('/api/attributes', query, signal);
  return revive.answer(wire, revive.attributeKeys(wire));
}

/** The values of a field that begin with a text, the most frequent first. */
export async function listFieldValues(
  of: model.Signal,
  field: string,
  prefix: string,
  filters: readonly Filter[],
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.CountedValue[]>> {
  const path = `/api/attributes/${encodeURIComponent(field)}/values`;
  const about = { signal: of, scope: 'field', limit: '30', ...between(bounds), ...inAddress(filters) };
  const wire = await getJSON<Wire['AttributeValues']>(path, prefix === '' ? about : { ...about, prefix }, signal);
  return revive.answer(wire, revive.countedValues(wire));
}

/** The most frequent values of at most ten fields, each as if nothing was asked of that field alone. */
export async function getFacets(
  of: model.Signal,
  fields: readonly string[],
  limit: number,
  filters: readonly Filter[],
  bounds: Bounds,
  signal: AbortSignal,
): Promise<model.Answer<readonly model.Facet[]>> {
  const body: Wire['FacetRequest'] = {
    signal: of,
    time_range: { start_time: bounds.from.toString(), end_time: bounds.to.toString() },
    filters: filters.map(wireFilter),
    fields: [...fields],
    limit,
    exclude_own: true,
  };
  const wire = await postJSON<Wire['FacetList']>('/api/facets', body, signal);
  return revive.answer(wire, wire.facets.map(revive.facet));
}

/** What the tenant keeps of queries to a list, by name. */
export async function listSavedQueries(
  page: model.SavedPage,
  signal: AbortSignal,
): Promise<readonly model.SavedQuery[]> {
  const wire = await getJSON<Wire['SavedQueryList']>('/api/saved-queries', { kind: 'query', page }, signal);
  return wire.saved_queries.map(revive.savedQuery);
}

/** What a kept query asks: its filters, and whether each may hold for another span of the trace. */
export async function getSavedQuery(
  id: string,
  signal: AbortSignal,
): Promise<{ filters: readonly Filter[]; anywhere: boolean }> {
  const wire = await getJSON<Wire['SavedQuery']>(`/api/saved-queries/${encodeURIComponent(id)}`, {}, signal);
  const document = (wire.document ?? {}) as Wire['QueryDocument'];
  return { filters: (document.filters ?? []).map(revive.filter), anywhere: document.scope === 'trace' };
}

export interface QueryToSave {
  name: string;
  page: model.SavedPage;
  filters: readonly Filter[];
  /** Of traces: whether each filter may hold for another span of the trace. */
  anywhere: boolean;
}

export const saveQuery = (query: QueryToSave, signal: AbortSignal): Promise<unknown> =>
  postJSON('/api/saved-queries', savedWish(query), signal);

const savedWish = ({ name, page, filters, anywhere }: QueryToSave): Wire['SavedQueryWish'] => ({
  kind: 'query',
  name,
  page,
  document: { filters: filters.map(wireFilter), ...(anywhere ? { scope: 'trace' } : {}) },
});

/** Gives a kept query another name; all else of it stays. Refused where somebody has changed it since it was listed. */
export async function renameSavedQuery(query: model.SavedQuery, name: string, signal: AbortSignal): Promise<void> {
  const path = `/api/saved-queries/${encodeURIComponent(query.id)}`;
  const wire = await getJSON<Wire['SavedQuery']>(path, {}, signal);
  const { kind, page, description, document } = wire;
  const change: Wire['SavedQueryChange'] = {
    version: query.version,
    kind,
    name,
    ...(page === undefined ? {} : { page }),
    ...(description === undefined ? {} : { description }),
    document: document ?? {},
  };
  await putJSON(path, change, signal);
}

export const deleteSavedQuery = ({ id, version }: model.SavedQuery, signal: AbortSignal): Promise<void> =>
  remove(`/api/saved-queries/${encodeURIComponent(id)}?version=${version}`, signal);

/** What filters can be about. The same until the service is replaced by a newer one. */
export async function listFields(signal: AbortSignal): Promise<model.FieldCatalogue> {
  return revive.fieldCatalogue(await getJSON<Wire['FieldCatalogue']>('/api/fields', {}, signal));
}

/** What the server says of itself and of its database. Asks nobody who he is. */
export async function observe(
  signal: AbortSignal,
): Promise<{ health: Wire['Health'] | undefined; database: Wire['DatabaseHealth'] | undefined }> {
  const [health, database] = await Promise.all([
    probeJSON<Wire['Health']>('/health', signal),
    probeJSON<Wire['DatabaseHealth']>('/health/db', signal),
  ]);
  return { health, database };
}

/** Whether anything at all was ever received: distinguishes an empty range from an empty installation. */
export async function hasData(signal: AbortSignal): Promise<boolean> {
  // All of time: how far back data is kept is the server's to know.
  const bounds = { from: instantFromMillis(Date.UTC(2000, 0)), to: instantFromMillis(Date.now() + 60_000) };
  const found = await Promise.all([
    searchTraces({ bounds, filters: [], limit: 1, cursor: undefined }, signal),
    searchLogs({ bounds, filters: [], limit: 1, cursor: undefined }, signal),
  ]);
  return found.some((page) => page.data.length > 0);
}
