// The list of spans: what is asked of each, and what becomes of it.

import { searchSpans, type Search } from '../../api/endpoints';
import type { Page, ShownFields, ShownItem } from '../../api/model';
import { valueText } from '../../parts/value';

/** What is told of every span, beside the fields that were chosen. */
const told = ['trace_id', 'span_id', 'time', 'service', 'name', 'kind', 'status', 'duration'] as const;

/** A span of the list. */
export interface SpanRow {
  id: string;
  traceId: string;
  spanId: string;
  start: bigint;
  service: string;
  name: string;
  kind: string;
  failed: boolean;
  /** Nanoseconds; undefined where it is not known. */
  duration: number | undefined;
  fields: ShownFields;
}

export const spanFields = (chosen: readonly string[]): readonly string[] => [...new Set([...told, ...chosen])];

export async function spanPage(search: Search, signal: AbortSignal): Promise<Page<SpanRow>> {
  const page = await searchSpans({ ...search, fields: search.fields ?? told }, signal);
  return { ...page, data: page.data.map(spanRow) };
}

export function spanRow({ id, fields }: ShownItem): SpanRow {
  const text = (name: (typeof told)[number]) => {
    const value = fields.get(name);
    return value === undefined ? '' : valueText(value);
  };
  const number = (name: 'time' | 'duration') => {
    const value = fields.get(name);
    return value?.type === 'int' ? value.value : undefined;
  };
  const duration = number('duration');
  return {
    id,
    traceId: text('trace_id'),
    spanId: text('span_id'),
    start: number('time') ?? 0n,
    service: text('service'),
    name: text('name'),
    kind: text('kind'),
    failed: text('status') === 'error',
    duration: duration === undefined ? undefined : Number(duration),
    fields,
  };
}

export const spanKey = (span: SpanRow): string => span.id;
