// Traces out of a file that somebody opens here: OTLP/JSON (one object, or one a line, as a Collector writes it), or what Jaeger's interface and
// API give. Whatever is wrong with it is said with its place; nothing is guessed.

import type {
  Attribute,
  Resource,
  Scope,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  StatusCode,
  Value,
} from '../../api/model';

export class TraceFileError extends Error {}

export interface FileTrace {
  readonly traceId: string;
  readonly spans: readonly Span[];
}

/** The most that a file may have: the browser holds its text and its spans at once. */
export const mostBytes = 200_000_000;

type Json = Readonly<Record<string, unknown>>;

/** All traces of a file, those with most spans first. */
export function tracesOfFile(text: string): readonly FileTrace[] {
  const spans = documentsOf(text).flatMap(([document, where]) => spansOf(document, where));
  if (spans.length === 0) throw new TraceFileError('There are no spans in it.');
  const byTrace = new Map<string, Span[]>();
  for (const span of spans) {
    const of = byTrace.get(span.traceId);
    if (of === undefined) byTrace.set(span.traceId, [span]);
    else of.push(span);
  }
  return [...byTrace].map(([traceId, of]) => ({ traceId, spans: of })).sort((a, b) => b.spans.length - a.spans.length);
}

/** What the file holds, each with its place. */
function documentsOf(text: string): [unknown, string][] {
  const whole = parse(text);
  if (whole.ok) return [[whole.value, '']];
  const lines = text
    .split('\n')
    .map((line, i) => [line.trim(), i + 1] as const)
    .filter(([line]) => line !== '');
  if (lines.length < 2) throw new TraceFileError(`It is not JSON: ${whole.why}`);
  return lines.map(([line, number]) => {
    const read = parse(line);
    // What the whole says is wrong is what is wrong with JSON that is not by lines.
    if (!read.ok)
      throw new TraceFileError(
        number === 1 ? `It is not JSON: ${whole.why}` : `Line ${number} is not JSON: ${read.why}`,
      );
    return [read.value, `line ${number}: `];
  });
}

function parse(text: string): { ok: true; value: unknown } | { ok: false; why: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) };
  }
}

function spansOf(document: unknown, where: string): Span[] {
  const of = record(document) ?? {};
  const otlp = own(of, 'resourceSpans') ?? own(of, 'resource_spans') ?? own(of, 'batches');
  if (otlp !== undefined)
    return list(otlp, `${where}resourceSpans`).flatMap((one, i) => otlpSpans(one, `${where}resourceSpans[${i}]`));
  const data = own(of, 'data');
  const traces = Array.isArray(document)
    ? document
    : Array.isArray(data)
      ? data
      : own(of, 'traceID') !== undefined
        ? [of]
        : undefined;
  if (traces === undefined || !traces.every((one) => Array.isArray(own(record(one) ?? {}, 'spans')))) {
    throw new TraceFileError(
      `${where}It is JSON, but neither OTLP (an object with resourceSpans) nor Jaeger's (data with traces of spans and processes).`,
    );
  }
  return traces.flatMap((one, i) => jaegerSpans(record(one) ?? {}, `${where}data[${i}]`));
}

// ---- what any JSON is made of

const record = (of: unknown): Json | undefined =>
  typeof of === 'object' && of !== null && !Array.isArray(of) ? (of as Json) : undefined;

/** A member; undefined where it has none of that name by itself, or null. */
function own(of: Json, key: string): unknown {
  const value = Object.hasOwn(of, key) ? of[key] : undefined;
  return value === null ? undefined : value;
}

const either = (of: Json, camel: string): unknown =>
  own(of, camel) ??
  own(
    of,
    camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
  );

const text = (of: unknown): string => (typeof of === 'string' ? of : '');

function list(of: unknown, where: string): readonly unknown[] {
  if (of === undefined) return [];
  if (!Array.isArray(of)) throw new TraceFileError(`${where} is not a list.`);
  return of;
}

function whole(of: unknown, where: string): bigint {
  if (of === undefined || of === '') return 0n;
  if (typeof of === 'number' && Number.isInteger(of)) return bounded(BigInt(of), where);
  // More digits than 64 bits have are not even counted.
  if (typeof of === 'string' && /^-?\d{1,20}$/.test(of)) return bounded(BigInt(of), where);
  throw new TraceFileError(`${where} is not a whole number: ${JSON.stringify(of).slice(0, 80)}`);
}

/** OTLP's whole numbers have 64 bits, and so many nanoseconds are a time that a calendar has. */
function bounded(of: bigint, where: string): bigint {
  if (of >= -(2n ** 63n) && of < 2n ** 64n) return of;
  throw new TraceFileError(`${where} is beyond 64 bits: ${of.toString().slice(0, 80)}`);
}

const count = (of: unknown, where: string): number => Number(whole(of, where));

/** An id in hexadecimal digits; those of protobuf's own JSON are base64. */
function id(of: unknown, digits: number, where: string): string {
  const value = text(of);
  if (value === '' || new RegExp(`^[0-9a-f]{1,${digits}}$`, 'i').test(value)) return value.toLowerCase();
  try {
    const bytes = [...atob(value)].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
    if (bytes.length === digits) return bytes;
  } catch {
    // It is no base64.
  }
  throw new TraceFileError(`${where} is no id: ${value.slice(0, 80)}`);
}

// ---- OTLP

function otlpSpans(of: unknown, where: string): Span[] {
  const group = record(of) ?? {};
  const told = record(own(group, 'resource')) ?? {};
  const attributes = otlpAttributes(own(told, 'attributes'), `${where}.resource.attributes`);
  const resource: Resource = {
    service: serviceOf(attributes),
    attributes,
    schemaUrl: text(either(group, 'schemaUrl')),
    droppedAttributes: count(either(told, 'droppedAttributesCount'), `${where}.resource.droppedAttributesCount`),
  };
  const scopes = either(group, 'scopeSpans') ?? own(group, 'instrumentationLibrarySpans');
  return list(scopes, `${where}.scopeSpans`).flatMap((one, i) => {
    const place = `${where}.scopeSpans[${i}]`;
    const inner = record(one) ?? {};
    const named = record(own(inner, 'scope') ?? own(inner, 'instrumentationLibrary')) ?? {};
    const scope: Scope = {
      name: text(own(named, 'name')),
      version: text(own(named, 'version')),
      attributes: otlpAttributes(own(named, 'attributes'), `${place}.scope.attributes`),
      schemaUrl: text(either(inner, 'schemaUrl')),
      droppedAttributes: count(either(named, 'droppedAttributesCount'), `${place}.scope.droppedAttributesCount`),
    };
    return list(own(inner, 'spans'), `${place}.spans`).map((span, j) =>
      otlpSpan(record(span) ?? {}, resource, scope, `${place}.spans[${j}]`),
    );
  });
}

const serviceOf = (attributes: readonly Attribute[]): string => {
  const value = attributes.find(({ key }) => key === 'service.name')?.value;
  return value?.type === 'string' && value.value !== '' ? value.value : 'unknown_service';
};

const kinds: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

const kindOf = (of: unknown): SpanKind =>
  (typeof of === 'number' ? kinds[of] : kinds.find((kind) => `SPAN_KIND_${kind.toUpperCase()}` === of)) ??
  'unspecified';

const statusOf = (of: unknown): StatusCode =>
  of === 1 || of === 'STATUS_CODE_OK' ? 'ok' : of === 2 || of === 'STATUS_CODE_ERROR' ? 'error' : 'unset';

function otlpSpan(of: Json, resource: Resource, scope: Scope, where: string): Span {
  const start = whole(either(of, 'startTimeUnixNano'), `${where}.startTimeUnixNano`);
  const end = whole(either(of, 'endTimeUnixNano'), `${where}.endTimeUnixNano`);
  const status = record(own(of, 'status')) ?? {};
  const traceId = id(either(of, 'traceId'), 32, `${where}.traceId`);
  const dropped = (what: string) => count(either(of, `dropped${what}Count`), `${where}.dropped${what}Count`);
  return {
    ...{ id: where, traceId, resource, scope, start },
    spanId: id(either(of, 'spanId'), 16, `${where}.spanId`),
    parentSpanId: parentOf(id(either(of, 'parentSpanId'), 16, `${where}.parentSpanId`)),
    name: text(own(of, 'name')),
    kind: kindOf(own(of, 'kind')),
    service: resource.service,
    duration: end < start ? 0 : Number(end - start),
    durationUnknown: end < start,
    status: statusOf(own(status, 'code')),
    statusMessage: text(own(status, 'message')),
    traceState: text(either(of, 'traceState')),
    attributes: otlpAttributes(own(of, 'attributes'), `${where}.attributes`),
    events: list(own(of, 'events'), `${where}.events`).map((event, i) =>
      otlpEvent(record(event) ?? {}, `${where}.events[${i}]`),
    ),
    links: list(own(of, 'links'), `${where}.links`).map((link, i) =>
      otlpLink(record(link) ?? {}, `${where}.links[${i}]`),
    ),
    dropped: { attributes: dropped('Attributes'), events: dropped('Events'), links: dropped('Links') },
  };
}

/** Sixteen noughts are none. */
const parentOf = (spanId: string): string => (/^0*$/.test(spanId) ? '' : spanId);

const otlpEvent = (of: Json, where: string): SpanEvent => ({
  time: whole(either(of, 'timeUnixNano'), `${where}.timeUnixNano`),
  name: text(own(of, 'name')),
  attributes: otlpAttributes(own(of, 'attributes'), `${where}.attributes`),
  droppedAttributes: count(either(of, 'droppedAttributesCount'), `${where}.droppedAttributesCount`),
});

const otlpLink = (of: Json, where: string): SpanLink => ({
  traceId: id(either(of, 'traceId'), 32, `${where}.traceId`),
  spanId: id(either(of, 'spanId'), 16, `${where}.spanId`),
  traceState: text(either(of, 'traceState')),
  attributes: otlpAttributes(own(of, 'attributes'), `${where}.attributes`),
  droppedAttributes: count(either(of, 'droppedAttributesCount'), `${where}.droppedAttributesCount`),
});

const otlpAttributes = (of: unknown, where: string): readonly Attribute[] =>
  list(of, where).map((one, i) => {
    const entry = record(one) ?? {};
    return {
      key: text(own(entry, 'key')),
      value: otlpValue(record(own(entry, 'value')) ?? {}, `${where}[${i}].value`, 0),
    };
  });

/** Values within values: more than these nobody sends. */
const deepest = 64;

function otlpValue(of: Json, where: string, depth: number): Value {
  if (depth > deepest) throw new TraceFileError(`${where} is nested more than ${deepest} deep.`);
  const string = either(of, 'stringValue');
  if (string !== undefined) return { type: 'string', value: text(string) };
  const int = either(of, 'intValue');
  if (int !== undefined) return { type: 'int', value: whole(int, `${where}.intValue`) };
  const bool = either(of, 'boolValue');
  if (bool !== undefined) return { type: 'bool', value: bool === true };
  const double = either(of, 'doubleValue');
  if (double !== undefined) return { type: 'double', value: Number(double) };
  const bytes = either(of, 'bytesValue');
  if (bytes !== undefined) return { type: 'bytes', base64: text(bytes) };
  const array = record(either(of, 'arrayValue'));
  if (array !== undefined) {
    const items = list(own(array, 'values'), `${where}.arrayValue.values`);
    return {
      type: 'array',
      items: items.map((item, i) => otlpValue(record(item) ?? {}, `${where}.arrayValue.values[${i}]`, depth + 1)),
    };
  }
  const map = record(either(of, 'kvlistValue'));
  if (map === undefined) return { type: 'empty' };
  const entries = list(own(map, 'values'), `${where}.kvlistValue.values`);
  return {
    type: 'map',
    entries: entries.map((one, i) => {
      const entry = record(one) ?? {};
      return {
        key: text(own(entry, 'key')),
        value: otlpValue(record(own(entry, 'value')) ?? {}, `${where}.kvlistValue.values[${i}]`, depth + 1),
      };
    }),
  };
}

// ---- Jaeger

function jaegerSpans(trace: Json, where: string): Span[] {
  const processes = record(own(trace, 'processes')) ?? {};
  const resources = new Map<string, Resource>();
  const resourceOf = (span: Json, place: string): Resource => {
    const name = text(own(span, 'processID'));
    const process = record(own(span, 'process')) ?? record(own(processes, name)) ?? {};
    const known = resources.get(name);
    if (known !== undefined && own(span, 'process') === undefined) return known;
    const service = text(own(process, 'serviceName'));
    const resource: Resource = {
      service: service === '' ? 'unknown_service' : service,
      attributes: [
        ...(service === '' ? [] : [{ key: 'service.name', value: { type: 'string', value: service } as const }]),
        ...jaegerTags(own(process, 'tags'), `${place}.process.tags`),
      ],
      ...{ schemaUrl: '', droppedAttributes: 0 },
    };
    resources.set(name, resource);
    return resource;
  };
  return list(own(trace, 'spans'), `${where}.spans`).map((one, i) => {
    const place = `${where}.spans[${i}]`;
    const span = record(one) ?? {};
    return jaegerSpan(span, resourceOf(span, place), place);
  });
}

function jaegerSpan(of: Json, resource: Resource, where: string): Span {
  const attributes = jaegerTags(own(of, 'tags'), `${where}.tags`);
  const tag = (key: string): string => {
    const value = attributes.find((one) => one.key === key)?.value;
    return value?.type === 'string' || value?.type === 'bool' ? String(value.value) : '';
  };
  const traceId = id(own(of, 'traceID'), 32, `${where}.traceID`).padStart(32, '0');
  const references = list(own(of, 'references'), `${where}.references`).map((one, i) => {
    const reference = record(one) ?? {};
    return {
      follows: own(reference, 'refType') === 'FOLLOWS_FROM',
      traceId: id(own(reference, 'traceID'), 32, `${where}.references[${i}].traceID`).padStart(32, '0'),
      spanId: id(own(reference, 'spanID'), 16, `${where}.references[${i}].spanID`),
    };
  });
  const here = references.filter((reference) => reference.traceId === traceId);
  const parent = here.find(({ follows }) => !follows) ?? here[0];
  const kind = kinds.find((one) => one === tag('span.kind')) ?? 'unspecified';
  const code = tag('otel.status_code');
  const micros = (value: unknown, place: string) => bounded(whole(value, place) * 1_000n, place);
  return {
    ...{ id: where, traceId, resource, attributes, kind, service: resource.service },
    spanId: id(own(of, 'spanID'), 16, `${where}.spanID`),
    parentSpanId: parentOf(parent?.spanId ?? id(own(of, 'parentSpanID'), 16, `${where}.parentSpanID`)),
    name: text(own(of, 'operationName')),
    start: micros(own(of, 'startTime'), `${where}.startTime`),
    duration: Math.max(Number(micros(own(of, 'duration'), `${where}.duration`)), 0),
    durationUnknown: false,
    status: code === 'ERROR' || tag('error') === 'true' ? 'error' : code === 'OK' ? 'ok' : 'unset',
    statusMessage: tag('otel.status_description'),
    traceState: tag('w3c.tracestate'),
    events: list(own(of, 'logs'), `${where}.logs`).map((one, i): SpanEvent => {
      const log = record(one) ?? {};
      const fields = jaegerTags(own(log, 'fields'), `${where}.logs[${i}].fields`);
      const named = fields.find(({ key }) => key === 'event')?.value;
      return {
        time: micros(own(log, 'timestamp'), `${where}.logs[${i}].timestamp`),
        name: named?.type === 'string' ? named.value : 'log',
        attributes: fields.filter(({ key }) => key !== 'event'),
        droppedAttributes: 0,
      };
    }),
    links: references
      .filter((reference) => reference !== parent)
      .map((reference) => ({
        ...{ traceId: reference.traceId, spanId: reference.spanId, traceState: '' },
        ...{ attributes: [], droppedAttributes: 0 },
      })),
    scope: {
      ...{ name: tag('otel.scope.name') || tag('otel.library.name'), version: tag('otel.scope.version') },
      ...{ attributes: [], schemaUrl: '', droppedAttributes: 0 },
    },
    dropped: { attributes: 0, events: 0, links: 0 },
  };
}

const jaegerTags = (of: unknown, where: string): Attribute[] =>
  list(of, where).map((one, i) => {
    const tag = record(one) ?? {};
    return { key: text(own(tag, 'key')), value: jaegerValue(own(tag, 'type'), own(tag, 'value'), `${where}[${i}]`) };
  });

function jaegerValue(type: unknown, of: unknown, where: string): Value {
  switch (type) {
    case 'bool':
      return { type: 'bool', value: of === true || of === 'true' };
    case 'int64':
      return { type: 'int', value: whole(of, `${where}.value`) };
    case 'float64':
      return { type: 'double', value: Number(of) };
    case 'binary':
      return { type: 'bytes', base64: text(of) };
    default:
      return of === undefined
        ? { type: 'empty' }
        : { type: 'string', value: typeof of === 'string' ? of : JSON.stringify(of) };
  }
}
