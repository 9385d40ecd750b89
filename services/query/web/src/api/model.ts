// What the pages work with. Wire types (wire.ts, generated) become these in the revivers beside it: instants are bigint,
// durations numbers of nanoseconds, attribute values keep the type that OpenTelemetry gave them.

import type { Instant } from '../time/instant';
import type { Filter } from './endpoints';
import type { components } from './wire';

/** An OpenTelemetry value with its type. Integers are bigint: an int64 does not fit a double. */
export type Value =
  | { type: 'string'; value: string }
  | { type: 'bool'; value: boolean }
  | { type: 'int'; value: bigint }
  | { type: 'double'; value: number }
  | { type: 'bytes'; base64: string }
  | { type: 'array'; items: readonly Value[] }
  | { type: 'map'; entries: readonly Attribute[] }
  | { type: 'empty' };

export interface Attribute {
  key: string;
  value: Value;
}

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type StatusCode = 'unset' | 'ok' | 'error';

export interface Resource {
  service: string;
  attributes: readonly Attribute[];
  schemaUrl: string;
  droppedAttributes: number;
}

export interface Scope {
  name: string;
  version: string;
  attributes: readonly Attribute[];
  schemaUrl: string;
  droppedAttributes: number;
}

export interface SpanEvent {
  time: Instant;
  name: string;
  attributes: readonly Attribute[];
  droppedAttributes: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  attributes: readonly Attribute[];
  droppedAttributes: number;
}

export interface Span {
  /** Unique even when a span was sent twice. */
  id: string;
  traceId: string;
  spanId: string;
  /** Empty for a root. */
  parentSpanId: string;
  name: string;
  kind: SpanKind;
  service: string;
  start: Instant;
  /** Nanoseconds; never negative. */
  duration: number;
  /** It ended before it started, or in no time that there is: duration is 0. */
  durationUnknown: boolean;
  status: StatusCode;
  statusMessage: string;
  traceState: string;
  attributes: readonly Attribute[];
  events: readonly SpanEvent[];
  links: readonly SpanLink[];
  resource: Resource;
  scope: Scope;
  dropped: { attributes: number; events: number; links: number };
}

export interface Trace {
  traceId: string;
  spans: readonly Span[];
}

/** A span of a trace that is compared with another. */
export interface ComparedSpan {
  spanId: string;
  /** Nanoseconds after the start of its trace's root; negative before it. */
  offset: number;
  duration: number;
  selfTime: number;
  status: StatusCode;
}

/** A span of one trace beside its like in the other; one of them may have none. */
export interface ComparedSpans {
  depth: number;
  service: string;
  name: string;
  a: ComparedSpan | undefined;
  b: ComparedSpan | undefined;
}

export interface TraceComparison {
  /** Ids of the traces. */
  a: string;
  b: string;
  inBoth: number;
  onlyA: number;
  onlyB: number;
  /** Each before its children. */
  spans: readonly ComparedSpans[];
}

export interface ServiceCount {
  name: string;
  spans: number;
  errors: number;
}

/** One line of the traces list; figures are of the whole trace, not of the spans that matched. */
export interface TraceSummary {
  traceId: string;
  /** The span without a parent; the earliest one where that is missing. */
  root: {
    spanId: string;
    name: string;
    service: string;
    kind: SpanKind;
    status: StatusCode;
    /** Where fields were asked for, those of its attributes that were. */
    attributes: readonly Attribute[];
    /** What was asked for, by name. */
    fields: ShownFields;
  };
  rootMissing: boolean;
  start: Instant;
  duration: number;
  spans: number;
  errors: number;
  /** Of a list by spans or by errors, how many of these matched: what it goes by. */
  matched: number | undefined;
  /** Most spans first. */
  services: readonly ServiceCount[];
}

/** The values of the fields that were asked for, by their names; of several under one key the first. */
export type ShownFields = ReadonlyMap<string, Value>;

/** An item of a list of which some fields were asked for. */
export interface ShownItem {
  id: string;
  fields: ShownFields;
}

export interface LogRecord {
  id: string;
  /** The event's own time, or the time it was observed where the sender gave none. */
  time: Instant;
  observedTime: Instant;
  severityNumber: number;
  /** The number is what the text stands for: the sender gave none. */
  severityDerived: boolean;
  severityText: string;
  body: Value;
  eventName: string;
  traceId: string;
  spanId: string;
  service: string;
  attributes: readonly Attribute[];
  droppedAttributes: number;
  resource: Resource;
  scope: Scope;
}

/** What the records around a record have in common with it. */
export type ContextBy = components['schemas']['ContextBy'];

/** A page of what surrounds a log record, oldest first. */
export interface LogContext {
  logs: readonly LogRecord[];
  /** Where in logs the record itself is; undefined on the pages beyond. */
  index: number | undefined;
  /** The page before and the one after; undefined where there is none. */
  before: string | undefined;
  after: string | undefined;
}

/** What log records have in common. */
export interface LogPattern {
  /** With placeholders for what varies: "took <number>ms". */
  template: string;
  count: number;
  /** From 0 to 1, of all that were looked at. */
  share: number;
  severities: readonly { name: keyof components['schemas']['SeverityCounts']; count: number }[];
  /** In each bucket of the timeline. */
  over: readonly number[];
  lastSeen: Instant;
  /** The newest record of it. */
  example: { id: string; time: Instant } | undefined;
  services: readonly { name: string; count: number }[];
  /** Whether nothing before the range was like it; undefined where that is not known. */
  isNew: boolean | undefined;
}

export interface LogPatterns {
  patterns: readonly LogPattern[];
  /** Records of all patterns that are not told. */
  other: number;
  total: number;
  /** Patterns that there are. */
  distinct: number;
  coarser: boolean;
  /** Whether it is of some segments, and how many records these hold of how many. */
  sample: { items: number; ofItems: number } | undefined;
}

/** What comes of following log records as they arrive. */
export type LiveEvent =
  /** The server answers: what arrives from now on comes. */
  | { is: 'open' }
  | { is: 'log'; record: LogRecord }
  /** Records are left out here. */
  | { is: 'missed'; records: number; atLeast: boolean }
  | { is: 'end'; reason: string };

/** Requests, errors, durations. Durations in nanoseconds, rate per second, errorRate from 0 to 1. */
export interface RED {
  requests: number;
  errors: number;
  rate: number;
  errorRate: number;
  p50: number;
  p95: number;
  p99: number;
}

export interface Service {
  name: string;
  namespace: string;
  spans: number;
  /** Whether `red` counts entry spans, or all spans of a service that has no entry spans. */
  basis: 'entry' | 'all';
  red: RED;
  /** Of the period before the range, which is as long; without requests where it had none. */
  before: RED | undefined;
  series: REDSeries | undefined;
  /** In the range. */
  firstSeen: Instant;
  lastSeen: Instant;
  /** As far as spans are kept. */
  ever: Seen | undefined;
}

/** Requests, errors and durations in each bucket of a timeline; durations are undefined where there were no requests. */
export interface REDSeries {
  requests: readonly number[];
  errors: readonly number[];
  p50: readonly (number | undefined)[];
  p95: readonly (number | undefined)[];
  p99: readonly (number | undefined)[];
}

/** Buckets of time, one after the other. The first may begin before the range, the last end after it. */
export interface Timeline {
  start: Instant;
  stepSeconds: number;
  buckets: number;
}

/** The part of a range that has data: what rates are over. */
export interface Covered {
  from: Instant;
  to: Instant;
  /** 0 where nothing is there. */
  seconds: number;
}

export interface Seen {
  first: Instant;
  last: Instant;
}

export interface ServiceList {
  services: readonly Service[];
  /** Absent where there are too many services to tell their figures over time. */
  timeline: Timeline | undefined;
  covered: Covered;
  coveredBefore: Covered | undefined;
  /** When the first span that is kept began. */
  keptSince: Instant | undefined;
}

export interface Operation {
  name: string;
  kind: SpanKind;
  red: RED;
  /** How long its requests took together, in nanoseconds. */
  totalTime: number;
}

/** Who calls a service or is called by it, with the figures of these calls. */
export interface Dependency {
  node: MapNode;
  red: RED;
}

export interface DependencyList {
  callers: readonly Dependency[];
  calls: readonly Dependency[];
}

/** What is told of a part of a service. */
export interface PartFigures {
  spans: number;
  red: RED;
  firstSeen: Instant;
  lastSeen: Instant;
}

/** A process of a service; what its sender does not tell is empty. */
export interface Instance extends PartFigures {
  namespace: string;
  id: string;
  version: string;
  host: string;
  pod: string;
  node: string;
}

export interface ServiceVersion extends PartFigures {
  namespace: string;
  /** Empty: of the spans that tell none. */
  version: string;
}

export interface InstanceList {
  basis: 'entry' | 'all';
  instances: readonly Instance[];
  instancesTotal: number;
  /** By when they were seen first. */
  versions: readonly ServiceVersion[];
  versionsTotal: number;
}

export interface MapNode {
  id: string;
  name: string;
  namespace: string;
  type: 'service' | 'browser' | 'database' | 'messaging' | 'external';
  system: string;
  /** The host of a database or of messaging, with its port where it is not the usual one. */
  address: string;
  /** Calls whose caller is in no span that was found. */
  unmatchedCalls: number;
  red: RED | undefined;
  /** Find its spans; none where its name is not one that spans have. */
  filters: readonly Filter[];
  /** Of one that stands for others: how many, at least. */
  nodes: number | undefined;
}

export interface MapEdge {
  source: string;
  target: string;
  red: RED;
}

export interface ServiceMap {
  nodes: readonly MapNode[];
  edges: readonly MapEdge[];
}

export type MetricType = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';

export interface Metric {
  name: string;
  type: MetricType;
  unit: string;
  description: string;
  temporality: 'unspecified' | 'delta' | 'cumulative';
  monotonic: boolean;
}

export interface CatalogueMetric {
  metric: Metric;
  series: number;
  /** The number of series is reckoned from a sample. */
  seriesEstimated: boolean;
  points: number;
  services: readonly string[];
  attributeKeys: readonly string[];
  lastTime: Instant;
  /** Which quantiles its newest point tells; of summaries, where that is asked for. */
  quantiles: readonly number[];
}

/** One observation that a metric keeps, with the span it was made in. */
export interface Exemplar {
  metric: Metric;
  time: Instant;
  spanId: string;
  /** Undefined where it has none. */
  value: number | undefined;
}

/** What is made of a series in a bucket of time, and of several series together. */
export type OverTime = 'last' | 'avg' | 'min' | 'max' | 'sum' | 'count' | 'rate' | 'increase';
export type OverSeries = 'none' | 'sum' | 'avg' | 'min' | 'max' | 'count' | 'quantile' | 'mean' | 'histogram';

/** What a bucket has of one line; undefined where there is no value. */
export type Values = readonly (number | undefined)[];

/** The one series that a line is of. */
export interface LineSeries {
  id: string;
  service: string;
  attributes: readonly Attribute[];
  resource: readonly Attribute[];
}

export interface MetricLine {
  /** Of the fields of the grouping. */
  values: readonly (Value | undefined)[];
  series: LineSeries | undefined;
  seriesCount: number;
  /** By bucket: one list, or one for each of the quantiles. None of a histogram. */
  figures: readonly Values[];
  histogram: MetricHeat | undefined;
}

/** How observations are distributed over time. */
export interface MetricHeat {
  /** Rising: a row is above one edge and up to the next. */
  edges: readonly number[];
  /** By bucket, the observations of each row; undefined where there are none. */
  counts: readonly (readonly number[] | undefined)[];
}

/** The lines that are not told. */
export interface OtherLines {
  lines: number;
  seriesCount: number;
  /** All of them together; none where each series is told by itself. */
  figures: readonly Values[];
  /** Between which values they lie; none of distributions. */
  min: Values;
  max: Values;
}

/** One observation that a metric keeps, beside the line that it belongs to. */
export interface LineExemplar {
  time: Instant;
  value: number;
  /** Empty where it has none. */
  traceId: string;
  spanId: string;
  seriesId: string;
  /** Of its line, as in there. */
  values: readonly (Value | undefined)[];
  attributes: readonly Attribute[];
}

/** What does not come into lines as one might think. */
export interface MetricNotes {
  points: number;
  duplicates: number;
  noNumbers: number;
  gaps: number;
  resets: number;
  overlaps: number;
}

export interface MetricLines {
  /** Those of the name that were found; none where there are no points. */
  metrics: readonly Metric[];
  overSeries: OverSeries | undefined;
  timeline: Timeline;
  lookbackSeconds: number;
  lines: readonly MetricLine[];
  other: OtherLines | undefined;
  lineCount: number;
  seriesCount: number;
  /** The bounds of histograms differ: figures are by those that all have. */
  commonBounds: boolean;
  exemplars: readonly LineExemplar[];
  notes: MetricNotes;
}

/** A label of a metric: of its points, or of their resources. */
export interface MetricLabel {
  scope: 'attributes' | 'resource';
  key: string;
  /** What filters and groups call it; undefined where the key is too long to be told whole. */
  field: string | undefined;
  values: number;
  estimated: boolean;
  examples: readonly Value[];
}

export interface MetricLabelValue {
  value: Value;
  series: number;
}

export interface LabelValues {
  values: readonly MetricLabelValue[];
  /** Values that were seen, told or not. */
  total: number;
}

export interface LabelCardinality {
  scope: 'attributes' | 'resource';
  key: string;
  values: number;
  estimated: boolean;
  /** In the time before, which is as long; undefined where that was not looked at in full. */
  before: number | undefined;
}

export interface MetricCardinality {
  metric: Metric;
  series: number;
  estimated: boolean;
  before: number | undefined;
  labels: readonly LabelCardinality[];
}

export interface Cardinality {
  metrics: readonly MetricCardinality[];
  /** Metrics, and series of all of them, told or not. */
  total: number;
  series: number;
  before: number | undefined;
}

/** How far an answer can be relied on to hold what was accepted. Unknown values are undefined. */
export interface Completeness {
  watermark: Date | undefined;
  lagMillis: number | undefined;
  pending: number | undefined;
  /** Batches that were accepted and could not be written. */
  deadLetters: number | undefined;
  /** From when to when what was accepted may be lost, because the store of the queue was. */
  lost: { from: Date; to: Date } | undefined;
}

export interface Stats {
  elapsedMillis: number;
  itemsScanned: number;
  segmentsRead: number;
  segmentsPruned: number;
  bytesRead: number;
}

/** Any answer: what was asked for, and how much of the truth it is. */
export interface Answer<T> {
  data: T;
  completeness: Completeness;
  stats: Stats;
  /** Why the answer was cut, where it was; what it holds is right. */
  incomplete: string | undefined;
  /** Of figures that were cut: they are those of the range from here on. */
  since?: Instant | undefined;
  /** When it came, in milliseconds of the clock here. */
  at?: number;
}

export interface Page<T> extends Answer<readonly T[]> {
  /** Where the next page begins; undefined on the last. */
  next: string | undefined;
}

/** The signals whose items filters choose from. */
export type Signal = 'traces' | 'logs' | 'metrics';

/** What the values of a field are. */
export type FieldKind = components['schemas']['FieldKind'];

/** The name of an operator, as it travels. */
export type Operator = components['schemas']['Operator'];

export interface FilterOperator {
  name: Operator;
  /** For those who type filters; empty where there is none. */
  symbol: string;
  /** For those who read: "at least". */
  label: string;
  /** What stands to the right: a value, a list of them, or true or false, true when left out. */
  operand: 'one' | 'list' | 'flag';
  /** The operator of which it is the exact negation. */
  negates: Operator | undefined;
  description: string;
}

export interface FilterField {
  name: string;
  /** Whether the name begins those of many fields, one for each key that follows. */
  prefix: boolean;
  kind: FieldKind;
  signals: readonly Signal[];
  operators: readonly Operator[];
  /** The names of an enum. */
  values: readonly string[];
  description: string;
}

/** How another span of a trace stands to one. */
export type Relation = components['schemas']['Relation'];

export interface FilterRelation {
  name: Relation;
  /** Which spans are meant: "its parent, the parent of that, and so on". */
  description: string;
}

/** What filters can be about, and what can be asked of it. */
export interface FieldCatalogue {
  operators: readonly FilterOperator[];
  fields: readonly FilterField[];
  /** In which filters of spans and traces can ask for other spans of a trace. */
  relations: readonly FilterRelation[];
}

/** A key that items have values under. */
export interface AttributeKey {
  /** As it was sent. */
  key: string;
  /** As filters call it. */
  field: string;
  /** Items that have it, and what sort of number that is. */
  items: number;
  itemsAre: components['schemas']['AttributeKey']['items_are'];
  distinct: number;
}

/** A value and how many items have it. */
export interface CountedValue {
  value: Value;
  count: number;
}

/** The values of a field: those told, and how many items have others (`other`) or none (`missing`). */
export interface Facet {
  field: string;
  values: readonly CountedValue[];
  other: number;
  missing: number;
  items: number;
  distinct: number;
  /** There were more values than are kept apart. */
  distinctAtLeast: boolean;
  /** Of an answer that was cut: from when on its items are those of the facet. */
  since: Instant | undefined;
}

/** The lists that queries are kept of. */
export type SavedPage = components['schemas']['SavedPage'];

/** A query that is kept under a name. */
export interface SavedQuery {
  id: string;
  name: string;
  version: number;
  createdBy: string;
}

/** What the figures of a group are made of: a count, a rate, numbers of a field. */
export type MeasureName = components['schemas']['Measure']['measure'];

/** A range of a field's numbers, in which a histogram counts: from `from`, to before `to`. */
export interface Band {
  from: number;
  to: number;
}

/** Figures of items that have something in common, in the order of the measures that were asked for. */
export interface FigureGroup {
  /** What the items have of the fields that they are grouped by; undefined for none. */
  values: readonly (Value | undefined)[];
  items: number;
  /** Undefined where there is nothing to tell. */
  figures: readonly (number | undefined)[];
  /** Of each measure, the figures of the buckets of the timeline. */
  series: readonly (readonly (number | undefined)[])[];
  /** Of each measure that is a histogram, for each bucket how many are in each of its bands. */
  cells: readonly (readonly (readonly number[])[])[];
}

export interface Figures {
  groups: readonly FigureGroup[];
  /** All items of groups that are not told. */
  other: FigureGroup | undefined;
  total: FigureGroup;
  timeline: Timeline | undefined;
  /** The part of the range that has data, over which rates are. */
  covered: { from: Instant; to: Instant; seconds: number };
  /** Of each measure the bands, of histograms; none of others. */
  bands: readonly (readonly Band[])[];
}

/** A value that one of two sets of items has more often than the other. */
export interface DifferingValue {
  /** As filters call it. */
  field: string;
  value: Value;
  /** Items of either set that have it. */
  selected: number;
  baseline: number;
  /** The part of the selected less that of the baseline: from -1 to 1. */
  score: number;
}

export interface Comparison {
  /** Items of either set that were looked at. */
  selected: number;
  baseline: number;
  /** Whether these are all that there are. */
  selectedIs: 'all' | 'sample';
  baselineIs: 'all' | 'sample';
  /** Those that separate the sets most come first. */
  values: readonly DifferingValue[];
}

/** Who asks, as the server knows it. */
export interface Me {
  /** A person, or the id of a key; empty where nobody is asked who he is. */
  name: string;
  tenant: string;
  tenants: readonly string[];
  /** What one may do. */
  scopes: readonly ('ingest' | 'query' | 'edit' | 'admin')[];
  /** Whether there is a login that can be ended. */
  loggedIn: boolean;
}
