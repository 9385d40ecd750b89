// Wire types to domain types. Pure; the only place that knows both.

import type { Condition, Filter, Literal } from './endpoints';
import type * as model from './model';
import type { components } from './wire';

type Wire = components['schemas'];

const kinds: readonly model.SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const statuses: readonly model.StatusCode[] = ['unset', 'ok', 'error'];

const kind = (code: number): model.SpanKind => kinds[code] ?? 'unspecified';
const status = (code: number): model.StatusCode => statuses[code] ?? 'unset';

/** JSON has no NaN and no infinities: the wire has them as strings, which Number reads. */
const double = (wire: Wire['Double']): number => Number(wire);

export function value(wire: Wire['AnyValue']): model.Value {
  if (wire.stringValue !== undefined) return { type: 'string', value: wire.stringValue };
  if (wire.intValue !== undefined) return { type: 'int', value: BigInt(wire.intValue) };
  if (wire.boolValue !== undefined) return { type: 'bool', value: wire.boolValue };
  if (wire.doubleValue !== undefined) return { type: 'double', value: double(wire.doubleValue) };
  if (wire.bytesValue !== undefined) return { type: 'bytes', base64: wire.bytesValue };
  if (wire.arrayValue !== undefined) return { type: 'array', items: wire.arrayValue.values.map(value) };
  if (wire.kvlistValue !== undefined) return { type: 'map', entries: attributes(wire.kvlistValue.values) };
  return { type: 'empty' };
}

function attributes(wire: Wire['Attributes']): readonly model.Attribute[] {
  return wire.map((entry) => ({ key: entry.key, value: value(entry.value) }));
}

function resource(wire: Wire['Resource']): model.Resource {
  return {
    service: wire.service_name,
    attributes: attributes(wire.attributes),
    schemaUrl: wire.schema_url ?? '',
    droppedAttributes: wire.dropped_attributes_count ?? 0,
  };
}

function scope(wire: Wire['Scope']): model.Scope {
  return {
    name: wire.name,
    version: wire.version ?? '',
    attributes: attributes(wire.attributes),
    schemaUrl: wire.schema_url ?? '',
    droppedAttributes: wire.dropped_attributes_count ?? 0,
  };
}

/** An index that points nowhere is a fault of the server; say so rather than show a span without its resource. */
function at<T>(list: readonly T[], index: number, what: string): T {
  const item = list[index];
  if (item === undefined) throw new Error(`the answer names ${what} ${index} of ${list.length}`);
  return item;
}

export function trace(wire: Wire['Trace']): model.Trace {
  const resources = wire.resources.map(resource);
  const scopes = wire.scopes.map(scope);
  return {
    traceId: wire.trace_id,
    spans: wire.spans.map((s) => span(s, resources, scopes)),
  };
}

function span(wire: Wire['Span'], resources: readonly model.Resource[], scopes: readonly model.Scope[]): model.Span {
  return {
    id: wire.id,
    traceId: wire.trace_id,
    spanId: wire.span_id,
    parentSpanId: wire.parent_span_id ?? '',
    name: wire.name,
    kind: kind(wire.kind),
    service: wire.service_name,
    start: BigInt(wire.start_time_unix_nano),
    duration: Number(wire.duration_nano),
    durationUnknown: wire.duration_unknown ?? false,
    status: status(wire.status.code),
    statusMessage: wire.status.message ?? '',
    traceState: wire.trace_state ?? '',
    attributes: attributes(wire.attributes),
    events: wire.events.map((event) => ({
      time: BigInt(event.time_unix_nano),
      name: event.name,
      attributes: attributes(event.attributes),
      droppedAttributes: event.dropped_attributes_count ?? 0,
    })),
    links: wire.links.map((link) => ({
      traceId: link.trace_id,
      spanId: link.span_id,
      traceState: link.trace_state ?? '',
      attributes: attributes(link.attributes),
      droppedAttributes: link.dropped_attributes_count ?? 0,
    })),
    resource: at(resources, wire.resource_index, 'resource'),
    scope: at(scopes, wire.scope_index, 'scope'),
    dropped: {
      attributes: wire.dropped_attributes_count ?? 0,
      events: wire.dropped_events_count ?? 0,
      links: wire.dropped_links_count ?? 0,
    },
  };
}

const comparedSpan = (wire: Wire['ComparedSpan']): model.ComparedSpan => ({
  spanId: wire.span_id,
  offset: Number(wire.offset_nano),
  duration: Number(wire.duration_nano),
  selfTime: Number(wire.self_time_nano),
  status: status(wire.status),
});

export const traceComparison = (wire: Wire['TraceComparison']): model.TraceComparison => ({
  a: wire.a,
  b: wire.b,
  inBoth: wire.in_both,
  onlyA: wire.only_a,
  onlyB: wire.only_b,
  spans: wire.spans.map(({ depth, service_name, name, a, b }) => ({
    depth,
    service: service_name,
    name,
    a: a === undefined ? undefined : comparedSpan(a),
    b: b === undefined ? undefined : comparedSpan(b),
  })),
});

const shownFields = (wire: Wire['ShownFields'] | undefined): model.ShownFields =>
  new Map(Object.entries(wire ?? {}).map(([name, of]) => [name, value(of)]));

export const shownItem = (wire: Wire['ShownItem']): model.ShownItem => ({
  id: wire.id,
  fields: shownFields(wire.fields),
});

const ofAttributes = 'attributes.';

export function traceSummary(wire: Wire['TraceSummary']): model.TraceSummary {
  const fields = shownFields(wire.root.fields);
  const told = [...fields].filter(([name]) => name.startsWith(ofAttributes));
  return {
    traceId: wire.trace_id,
    root: {
      spanId: wire.root.span_id,
      name: wire.root.name,
      service: wire.root.service_name,
      kind: kind(wire.root.kind),
      status: status(wire.root.status.code),
      attributes:
        wire.root.attributes === undefined
          ? told.map(([name, of]) => ({ key: name.slice(ofAttributes.length), value: of }))
          : attributes(wire.root.attributes),
      fields,
    },
    rootMissing: wire.root_missing,
    start: BigInt(wire.start_time_unix_nano),
    duration: Number(wire.duration_nano),
    spans: wire.span_count,
    errors: wire.error_count,
    matched: wire.sorted_by_count,
    services: wire.services.map((s) => ({ name: s.name, spans: s.span_count, errors: s.error_count })),
  };
}

/** Log records and what they point into. */
type LogsOf = Pick<Wire['LogPage'], 'logs' | 'resources' | 'scopes'>;

export function logs(wire: LogsOf): readonly model.LogRecord[] {
  const resources = wire.resources.map(resource);
  const scopes = wire.scopes.map(scope);
  return wire.logs.map((record) => {
    const time = BigInt(record.time_unix_nano);
    const observedTime = BigInt(record.observed_time_unix_nano);
    return {
      id: record.id,
      time: time === 0n ? observedTime : time,
      observedTime,
      severityNumber: record.severity_derived ?? record.severity_number,
      severityDerived: record.severity_derived !== undefined,
      severityText: record.severity_text ?? '',
      body: value(record.body ?? {}),
      eventName: record.event_name ?? '',
      traceId: record.trace_id ?? '',
      spanId: record.span_id ?? '',
      service: record.service_name,
      attributes: attributes(record.attributes),
      droppedAttributes: record.dropped_attributes_count ?? 0,
      resource: at(resources, record.resource_index, 'resource'),
      scope: at(scopes, record.scope_index, 'scope'),
    };
  });
}

export const logContext = (wire: Wire['LogContext']): model.LogContext => ({
  logs: logs(wire),
  index: wire.index,
  before: wire.before.next_cursor,
  after: wire.after.next_cursor,
});

const severityNames = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'unset'] as const;

const logPattern = (wire: Wire['LogPattern']): model.LogPattern => ({
  template: wire.template,
  count: wire.count,
  share: wire.share,
  severities: severityNames.flatMap((name) =>
    wire.severities[name] > 0 ? [{ name, count: wire.severities[name] }] : [],
  ),
  over: wire.over,
  lastSeen: BigInt(wire.last_seen_unix_nano),
  example: wire.examples.map(({ id, time_unix_nano }) => ({ id, time: BigInt(time_unix_nano) }))[0],
  services: wire.services,
  isNew: wire.new,
});

export const logPatterns = (wire: Wire['LogPatterns']): model.LogPatterns => ({
  patterns: wire.patterns.map(logPattern),
  other: wire.other?.count ?? 0,
  total: wire.total,
  distinct: wire.distinct_patterns,
  coarser: wire.coarser,
  sample:
    wire.sample.segments < wire.sample.of_segments
      ? { items: wire.sample.items, ofItems: wire.sample.of_items }
      : undefined,
});

/** An event of the live tail; undefined for one that says nothing of records. */
export function liveEvent({ name, data }: { name: string; data: string }): model.LiveEvent | undefined {
  switch (name) {
    case 'open':
      return { is: 'open' };
    case 'log': {
      const { log, resource: of, scope: by } = JSON.parse(data) as Wire['LiveLog'];
      const [record] = logs({ logs: [{ ...log, resource_index: 0, scope_index: 0 }], resources: [of], scopes: [by] });
      return record === undefined ? undefined : { is: 'log', record };
    }
    case 'missed': {
      const { records, at_least } = JSON.parse(data) as Wire['LiveGap'];
      return { is: 'missed', records, atLeast: at_least };
    }
    case 'end':
      return { is: 'end', reason: (JSON.parse(data) as { reason: string }).reason };
    default:
      return undefined;
  }
}

function red(wire: Wire['RED']): model.RED {
  return {
    requests: wire.requests,
    errors: wire.errors,
    rate: wire.rate,
    errorRate: wire.error_rate,
    p50: Number(wire.p50_nano),
    p95: Number(wire.p95_nano),
    p99: Number(wire.p99_nano),
  };
}

export function service(wire: Wire['Service']): model.Service {
  return {
    name: wire.name,
    namespace: wire.namespace ?? '',
    spans: wire.span_count,
    basis: wire.basis,
    red: red(wire.red),
    before: wire.before === undefined ? undefined : red(wire.before),
    series: wire.series === undefined ? undefined : redSeries(wire.series),
    firstSeen: BigInt(wire.first_seen_unix_nano),
    lastSeen: BigInt(wire.last_seen_unix_nano),
    ever:
      wire.ever === undefined
        ? undefined
        : { first: BigInt(wire.ever.first_seen_unix_nano), last: BigInt(wire.ever.last_seen_unix_nano) },
  };
}

function redSeries(wire: Wire['REDSeries']): model.REDSeries {
  const quantile = (nanos: readonly string[]) =>
    nanos.map((n, i) => ((wire.requests[i] ?? 0) === 0 ? undefined : Number(n)));
  return {
    requests: wire.requests,
    errors: wire.errors,
    p50: quantile(wire.p50_nano),
    p95: quantile(wire.p95_nano),
    p99: quantile(wire.p99_nano),
  };
}

const timeline = (wire: Wire['Timeline']): model.Timeline => ({
  start: BigInt(wire.start_unix_nano),
  stepSeconds: wire.step_seconds,
  buckets: wire.buckets,
});

const covered = (wire: Wire['Covered']): model.Covered => ({
  from: BigInt(wire.start_unix_nano),
  to: BigInt(wire.end_unix_nano),
  seconds: wire.seconds,
});

/** The list without its services, which may come on several pages. */
export function serviceList(wire: Wire['ServiceList'], services: readonly model.Service[]): model.ServiceList {
  return {
    services,
    timeline: wire.timeline === undefined ? undefined : timeline(wire.timeline),
    covered: covered(wire.covered),
    coveredBefore: wire.covered_before === undefined ? undefined : covered(wire.covered_before),
    keptSince: wire.kept_since_unix_nano === undefined ? undefined : BigInt(wire.kept_since_unix_nano),
  };
}

export function operation(wire: Wire['Operation']): model.Operation {
  return { name: wire.name, kind: kind(wire.kind), red: red(wire.red), totalTime: Number(wire.total_time_nano) };
}

const dependency = (wire: Wire['Dependency']): model.Dependency => ({ node: mapNode(wire.node), red: red(wire.red) });

export const dependencies = (wire: Wire['DependencyList']): model.DependencyList => ({
  callers: wire.callers.map(dependency),
  calls: wire.calls.map(dependency),
});

const partFigures = (wire: Wire['PartFigures']): model.PartFigures => ({
  spans: wire.span_count,
  red: red(wire.red),
  firstSeen: BigInt(wire.first_seen_unix_nano),
  lastSeen: BigInt(wire.last_seen_unix_nano),
});

export const instances = (wire: Wire['InstanceList']): model.InstanceList => ({
  basis: wire.basis,
  instances: wire.instances.map((one) => ({
    ...partFigures(one.figures),
    namespace: one.namespace ?? '',
    id: one.instance_id ?? '',
    version: one.version ?? '',
    host: one.host ?? '',
    pod: one.pod ?? '',
    node: one.node ?? '',
  })),
  instancesTotal: wire.instances_total,
  versions: wire.versions.map((one) => ({
    ...partFigures(one.figures),
    namespace: one.namespace ?? '',
    version: one.version ?? '',
  })),
  versionsTotal: wire.versions_total,
});

const mapNode = (node: Wire['MapNode']): model.MapNode => ({
  id: node.id,
  name: node.name,
  namespace: node.namespace ?? '',
  type: node.type,
  system: node.system ?? '',
  address: node.address ?? '',
  unmatchedCalls: node.unmatched_calls ?? 0,
  red: node.red === undefined ? undefined : red(node.red),
  filters: (node.filters ?? []).map(filter),
  nodes: node.nodes,
});

export function serviceMap(wire: Wire['ServiceMap']): model.ServiceMap {
  return {
    nodes: wire.nodes.map(mapNode),
    edges: wire.edges.map((edge) => ({ source: edge.source, target: edge.target, red: red(edge.red) })),
  };
}

function metric(wire: Wire['Metric']): model.Metric {
  return {
    name: wire.name,
    type: wire.type,
    unit: wire.unit ?? '',
    description: wire.description ?? '',
    temporality: (['unspecified', 'delta', 'cumulative'] as const)[wire.temporality ?? 0] ?? 'unspecified',
    monotonic: wire.monotonic ?? false,
  };
}

export function catalogueMetric(wire: Wire['CatalogueMetric']): model.CatalogueMetric {
  return {
    metric: metric(wire.metric),
    series: wire.series_count,
    seriesEstimated: wire.series_estimated,
    points: wire.point_count,
    services: wire.services,
    attributeKeys: wire.attribute_keys,
    lastTime: BigInt(wire.last_time_unix_nano),
    quantiles: (wire.last?.summary?.quantile_values ?? []).map(({ quantile }) => double(quantile)),
  };
}

export const exemplar = (wire: Wire['TraceExemplar']): model.Exemplar => ({
  metric: metric(wire.metric),
  time: BigInt(wire.time_unix_nano),
  spanId: wire.span_id ?? '',
  value:
    wire.as_int !== undefined ? Number(wire.as_int) : wire.as_double === undefined ? undefined : double(wire.as_double),
});

const known = (figure: number | null): number | undefined => figure ?? undefined;

const told = (of: Wire['AnyValue'] | null): model.Value | undefined => (of === null ? undefined : value(of));

const metricLine = (wire: Wire['MetricLine']): model.MetricLine => ({
  values: wire.values.map(told),
  series:
    wire.series === undefined
      ? undefined
      : {
          id: wire.series.id,
          service: wire.series.service_name,
          attributes: attributes(wire.series.attributes),
          resource: attributes(wire.series.resource),
        },
  seriesCount: wire.series_count,
  figures: (wire.figures ?? []).map((of) => of.map(known)),
  histogram:
    wire.histogram === undefined
      ? undefined
      : {
          edges: wire.histogram.edges.map(double),
          counts: wire.histogram.counts.map((of) => of ?? undefined),
        },
});

const overSeries: readonly model.OverSeries[] = [
  'none',
  'sum',
  'avg',
  'min',
  'max',
  'count',
  'quantile',
  'mean',
  'histogram',
];

export const metricLines = (wire: Wire['MetricLines']): model.MetricLines => ({
  metrics: wire.metrics.map(metric),
  overSeries: overSeries.find((name) => name === wire.over_series),
  timeline: timeline(wire.timeline),
  lookbackSeconds: wire.lookback_seconds,
  lines: wire.lines.map(metricLine),
  other:
    wire.other === undefined
      ? undefined
      : {
          lines: wire.other.lines,
          seriesCount: wire.other.series_count,
          figures: (wire.other.figures ?? []).map((of) => of.map(known)),
          min: (wire.other.min ?? []).map(known),
          max: (wire.other.max ?? []).map(known),
        },
  lineCount: wire.line_count,
  seriesCount: wire.series_count,
  commonBounds: wire.common_bounds ?? false,
  exemplars: wire.exemplars.map((of) => ({
    time: BigInt(of.time_unix_nano),
    value: of.value,
    traceId: of.trace_id ?? '',
    spanId: of.span_id ?? '',
    seriesId: of.series_id,
    values: of.values.map(told),
    attributes: attributes(of.filtered_attributes),
  })),
  notes: {
    points: wire.notes.points,
    duplicates: wire.notes.duplicates,
    noNumbers: wire.notes.no_numbers,
    gaps: wire.notes.gaps,
    resets: wire.notes.resets,
    overlaps: wire.notes.overlaps,
  },
});

export const metricLabels = (wire: Wire['MetricLabels']): readonly model.MetricLabel[] =>
  wire.labels.map((of) => ({
    scope: of.scope,
    key: of.key,
    field: of.field,
    values: of.values,
    estimated: of.estimated,
    examples: of.examples.map(value),
  }));

export const labelValues = (wire: Wire['MetricLabelValues']): model.LabelValues => ({
  values: wire.values.map((of) => ({ value: value(of.value), series: of.series })),
  total: wire.total,
});

export const cardinality = (wire: Wire['Cardinality']): model.Cardinality => ({
  metrics: wire.metrics.map((of) => ({
    metric: metric(of.metric),
    series: of.series,
    estimated: of.estimated,
    before: of.series_before,
    labels: of.labels.map(({ scope: kept, key, values, estimated, values_before }) => ({
      scope: kept,
      key,
      values,
      estimated,
      before: values_before,
    })),
  })),
  total: wire.total,
  series: wire.series,
  before: wire.series_before,
});

function figureGroup(wire: Wire['AggregateGroup']): model.FigureGroup {
  return {
    values: wire.values.map(told),
    items: wire.items,
    figures: wire.figures.map(known),
    series: (wire.series ?? []).map((of) => of.map(known)),
    cells: wire.cells ?? [],
  };
}

export function figures(wire: Wire['Aggregate']): model.Figures {
  return {
    groups: wire.groups.map(figureGroup),
    other: wire.other === undefined ? undefined : figureGroup(wire.other),
    total: figureGroup(wire.total),
    timeline: wire.timeline === undefined ? undefined : timeline(wire.timeline),
    covered: covered(wire.covered),
    bands: wire.measures.map(({ bands }) => (bands ?? []).map(({ from, to }) => ({ from, to }))),
  };
}

export function comparison(wire: Wire['Comparison']): model.Comparison {
  return {
    selected: wire.selected,
    baseline: wire.baseline,
    selectedIs: wire.selected_is,
    baselineIs: wire.baseline_is,
    values: wire.values.map((of) => ({ ...of, value: value(of.value) })),
  };
}

interface Envelope {
  completeness: Wire['Completeness'];
  stats: Wire['Stats'];
  incomplete?: Wire['Incomplete'];
}

export function answer<T>(wire: Envelope, data: T): model.Answer<T> {
  const { completeness, stats, incomplete } = wire;
  return {
    data,
    completeness: {
      watermark: completeness.watermark === undefined ? undefined : new Date(completeness.watermark),
      lagMillis: completeness.lag_ms,
      pending: completeness.pending,
      deadLetters: completeness.dead_letters,
      lost:
        completeness.queue_lost_from === undefined || completeness.queue_lost_to === undefined
          ? undefined
          : { from: new Date(completeness.queue_lost_from), to: new Date(completeness.queue_lost_to) },
    },
    stats: {
      elapsedMillis: stats.elapsed_ms,
      itemsScanned: stats.items_scanned,
      segmentsRead: stats.segments_read,
      segmentsPruned: stats.segments_pruned,
      bytesRead: stats.bytes_read,
    },
    incomplete: incomplete?.message,
    since: incomplete?.since === undefined ? undefined : BigInt(incomplete.since),
    at: Date.now(),
  };
}

/** An answer of which nothing is told but what it holds. */
export const untold = <T>(data: T): model.Answer<T> => ({
  data,
  completeness: {
    ...{ watermark: undefined, lagMillis: undefined, pending: undefined },
    ...{ deadLetters: undefined, lost: undefined },
  },
  stats: { elapsedMillis: 0, itemsScanned: 0, segmentsRead: 0, segmentsPruned: 0, bytesRead: 0 },
  incomplete: undefined,
  at: Date.now(),
});

/** The first of a list that may have more: the answer then says that it is cut. */
export function first<T>(wire: Envelope, items: readonly T[], total: number, what: string): model.Answer<readonly T[]> {
  const told = answer(wire, items);
  if (items.length >= total) return told;
  return { ...told, incomplete: told.incomplete ?? `it holds the first ${items.length} of ${total} ${what}` };
}

export function page<T>(wire: Envelope & { pagination: Wire['Pagination'] }, items: readonly T[]): model.Page<T> {
  return { ...answer(wire, items), next: wire.pagination.has_more ? wire.pagination.next_cursor : undefined };
}

export const fieldCatalogue = (wire: Wire['FieldCatalogue']): model.FieldCatalogue => ({
  operators: wire.operators.map(({ name, symbol, label, operand, negates, description }) => ({
    name,
    symbol: symbol ?? '',
    label,
    operand,
    negates,
    description,
  })),
  fields: wire.fields.map(({ name, prefix, kind, signals, operators, values, description }) => ({
    name,
    prefix,
    kind,
    signals,
    operators,
    values: values ?? [],
    description,
  })),
  relations: wire.relations,
});

const counted = (wire: Wire['AttributeValue']): model.CountedValue => ({ value: value(wire.value), count: wire.count });

/** Keys that filters know: those of events and links they do not. */
export const attributeKeys = (wire: Wire['AttributeKeys']): readonly model.AttributeKey[] =>
  wire.keys.flatMap(({ key, field, filterable, items, items_are, distinct }) =>
    field === undefined || !filterable ? [] : [{ key, field, items, itemsAre: items_are, distinct }],
  );

export const countedValues = (wire: Wire['AttributeValues']): readonly model.CountedValue[] => wire.values.map(counted);

export const facet = (wire: Wire['Facet']): model.Facet => ({
  field: wire.field,
  values: wire.values.map(counted),
  other: wire.other,
  missing: wire.missing,
  items: wire.items,
  distinct: wire.distinct,
  distinctAtLeast: wire.distinct_at_least,
  since: wire.since_unix_nano === undefined ? undefined : BigInt(wire.since_unix_nano),
});

export const savedQuery = ({ id, name, version, created_by }: Wire['SavedQuery']): model.SavedQuery => ({
  id,
  name,
  version,
  createdBy: created_by,
});

/** A filter that somebody kept. */
export function filter(wire: Wire['Filter']): Filter {
  if (wire.and !== undefined) return { and: wire.and.map(filter) };
  if (wire.or !== undefined) return { or: wire.or.map(filter) };
  if (wire.not !== undefined) return { not: wire.not.map(filter) };
  if (wire.relation !== undefined) return { relation: wire.relation, filters: (wire.filters ?? []).map(filter) };
  const { field = '', operator = 'exists', value: operand } = wire;
  return {
    field,
    operator,
    value: Array.isArray(operand) ? operand.map(literal) : literal(operand),
  } satisfies Condition;
}

function literal(wire: unknown): Literal {
  if (wire === undefined || wire === null) return true; // What is left out asks whether it is there.
  if (typeof wire !== 'object') return wire as string | number | boolean;
  const typed = value(wire);
  switch (typed.type) {
    case 'string':
    case 'bool':
    case 'int':
      return typed.value;
    case 'double':
    case 'bytes':
    case 'empty':
      return typed;
    case 'array':
    case 'map':
      throw new Error('lists and maps are no values to compare with');
  }
}
