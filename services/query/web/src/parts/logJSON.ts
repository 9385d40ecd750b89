// A log record as JSON, for tickets and tools: names of OpenTelemetry's log data model, values with their own types.

import type { Attribute, LogRecord, Value } from '../api/model';
import { formatUTC } from '../time/instant';
import { valueBlock } from './value';

const map = (entries: readonly Attribute[]): Value => ({ type: 'map', entries });
const text = (value: string): Value => ({ type: 'string', value });
const none: readonly never[] = [];

const entry = (key: string, value: Value | undefined): readonly Attribute[] =>
  value === undefined ? none : [{ key, value }];

const words = (key: string, value: string): readonly Attribute[] => (value === '' ? none : entry(key, text(value)));

const attributes = (key: string, of: readonly Attribute[]): readonly Attribute[] =>
  of.length === 0 ? none : entry(key, map(of));

/** The record, indented. Times are in UTC to the nanosecond. */
export function logJSON(record: LogRecord): string {
  const { scope, resource } = record;
  return valueBlock(
    map([
      ...words('id', record.id),
      ...words('timestamp', formatUTC(record.time)),
      ...(record.observedTime === 0n ? none : words('observed_timestamp', formatUTC(record.observedTime))),
      ...(record.severityNumber === 0
        ? none
        : entry('severity_number', { type: 'int', value: BigInt(record.severityNumber) })),
      ...words('severity_text', record.severityText),
      ...(record.body.type === 'empty' ? none : entry('body', record.body)),
      ...words('event_name', record.eventName),
      ...words('trace_id', record.traceId),
      ...words('span_id', record.spanId),
      ...attributes('attributes', record.attributes),
      ...attributes('resource', resource.attributes),
      ...(scope.name === '' && scope.attributes.length === 0
        ? none
        : entry(
            'scope',
            map([
              ...words('name', scope.name),
              ...words('version', scope.version),
              ...attributes('attributes', scope.attributes),
            ]),
          )),
    ]),
  );
}
