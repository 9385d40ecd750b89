// What a log record has of a field, by the names that filters have.

import type { Attribute, LogRecord, Value } from '../api/model';

const text = (value: string): Value | undefined => (value === '' ? undefined : { type: 'string', value });

const named: ReadonlyMap<string, (record: LogRecord) => Value | undefined> = new Map([
  ['service', (record: LogRecord) => text(record.service)],
  ['namespace', (record: LogRecord) => inAttributes(record.resource.attributes, 'service.namespace')],
  ['severity', (record: LogRecord) => text(record.severityText)],
  ['severity_text', (record: LogRecord) => text(record.severityText)],
  ['event_name', (record: LogRecord) => text(record.eventName)],
  ['trace_id', (record: LogRecord) => text(record.traceId)],
  ['span_id', (record: LogRecord) => text(record.spanId)],
  ['scope.name', (record: LogRecord) => text(record.scope.name)],
  ['scope.version', (record: LogRecord) => text(record.scope.version)],
  ['body', (record: LogRecord) => record.body],
  [
    'environment',
    (record: LogRecord) =>
      inAttributes(record.resource.attributes, 'deployment.environment.name') ??
      inAttributes(record.resource.attributes, 'deployment.environment'),
  ],
  ['version', (record: LogRecord) => inAttributes(record.resource.attributes, 'service.version')],
  ['instance', (record: LogRecord) => inAttributes(record.resource.attributes, 'service.instance.id')],
]);

const prefixed: readonly (readonly [string, (record: LogRecord) => readonly Attribute[]])[] = [
  ['attributes.', (record) => record.attributes],
  ['resource.', (record) => record.resource.attributes],
  ['scope.', (record) => record.scope.attributes],
  ['body.', ({ body }) => (body.type === 'map' ? body.entries : [])],
];

/** The value; undefined where the record has none. */
export function fieldOf(record: LogRecord, field: string): Value | undefined {
  const own = named.get(field);
  if (own !== undefined) return own(record);
  for (const [prefix, attributes] of prefixed) {
    if (field.startsWith(prefix)) return inAttributes(attributes(record), field.slice(prefix.length));
  }
  return undefined;
}

/** A key with dots is both a key and a way into maps; the key comes first. */
function inAttributes(attributes: readonly Attribute[], key: string): Value | undefined {
  const whole = attributes.find((attribute) => attribute.key === key);
  if (whole !== undefined) return whole.value;
  for (let dot = key.indexOf('.'); dot > 0; dot = key.indexOf('.', dot + 1)) {
    const map = attributes.find((attribute) => attribute.key === key.slice(0, dot))?.value;
    if (map?.type !== 'map') continue;
    const within = inAttributes(map.entries, key.slice(dot + 1));
    if (within !== undefined) return within;
  }
  return undefined;
}

const titles: ReadonlyMap<string, string> = new Map([
  ['severity', 'Severity'],
  ['service', 'Service'],
]);

/** A field as the head of a column has room for: without what most of them begin with. */
export const fieldTitle = (field: string): string => titles.get(field) ?? field.replace(/^attributes\.(?=.)/, '');
