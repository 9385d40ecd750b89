// The filters of the logs page: their form in the address, and the API's filters that they mean.

import type { Filter } from '../../api/endpoints';
import { conditionFilters } from '../../filter/condition';
import type { Grammar } from '../../filter/grammar';
import { compact, many, one } from '../../route/search';
import { severities, type SeverityName } from '../../parts/severity';

export interface LogSearch {
  service?: string;
  /** The least severity to show. */
  severity?: SeverityName;
  /** Text that the body contains, case-sensitive. */
  body?: string;
  trace?: string;
  span?: string;
  /** Conditions as typed, see filter/condition.ts. */
  where?: string[];
}

export function logSearch(search: Record<string, unknown>): LogSearch {
  const severity = severities.find((s) => s.name === one(search, 'severity'))?.name;
  return compact({
    service: one(search, 'service'),
    severity,
    body: one(search, 'body'),
    trace: one(search, 'trace'),
    span: one(search, 'span'),
    where: many(search, 'where'),
  });
}

export const isTraceId = (text: string): boolean => /^[0-9a-f]{32}$/i.test(text);
export const isSpanId = (text: string): boolean => /^[0-9a-f]{16}$/i.test(text);

/**
 * All of these must hold. What cannot be read is left out; the form shows why.
 * Undefined where there are typed conditions and it is not known yet what may be typed.
 */
export function logFilters(search: LogSearch, grammar: Grammar | undefined): Filter[] | undefined {
  const filters: Filter[] = [];
  if (search.service !== undefined) filters.push({ field: 'service', operator: 'eq', value: search.service });
  const severity = severities.find((s) => s.name === search.severity);
  if (severity !== undefined) filters.push({ field: 'severity', operator: 'gte', value: severity.from });
  if (search.body !== undefined) filters.push({ field: 'body', operator: 'contains', value: search.body });
  if (search.trace !== undefined && isTraceId(search.trace)) {
    filters.push({ field: 'trace_id', operator: 'eq', value: search.trace.toLowerCase() });
  }
  if (search.span !== undefined && isSpanId(search.span)) {
    filters.push({ field: 'span_id', operator: 'eq', value: search.span.toLowerCase() });
  }
  const typed = conditionFilters(search.where ?? [], grammar);
  return typed === undefined ? undefined : [...filters, ...typed];
}

export const hasFilters = (search: LogSearch): boolean => Object.keys(logSearch({ ...search })).length > 0;
