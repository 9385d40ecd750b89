// The filters of the traces page: their form in the address, and the API's filters that they mean.

import type { Filter } from '../../api/endpoints';
import { conditionFilters } from '../../filter/condition';
import type { Grammar } from '../../filter/grammar';
import { compact, many, one } from '../../route/search';
import { parseDuration } from '../../time/duration';

export interface TraceSearch {
  service?: string;
  operation?: string;
  /** As typed: "250ms". */
  min?: string;
  max?: string;
  /** Present ("1") or absent. */
  errors?: '1';
  /** Conditions as typed, see filter/condition.ts. */
  where?: string[];
}

export function traceSearch(search: Record<string, unknown>): TraceSearch {
  const errors = one(search, 'errors') === '1' ? ('1' as const) : undefined;
  return compact({
    service: one(search, 'service'),
    operation: one(search, 'operation'),
    min: one(search, 'min'),
    max: one(search, 'max'),
    errors,
    where: many(search, 'where'),
  });
}

/**
 * A trace is found when one of its spans meets all of these. What cannot be read is left out; the form shows why.
 * Undefined where there are typed conditions and it is not known yet what may be typed.
 */
export function traceFilters(search: TraceSearch, grammar: Grammar | undefined): Filter[] | undefined {
  const filters: Filter[] = [];
  if (search.service !== undefined) filters.push({ field: 'service', operator: 'eq', value: search.service });
  if (search.operation !== undefined) filters.push({ field: 'name', operator: 'eq', value: search.operation });
  const min = search.min === undefined ? undefined : parseDuration(search.min);
  if (min !== undefined) filters.push({ field: 'duration', operator: 'gte', value: min });
  const max = search.max === undefined ? undefined : parseDuration(search.max);
  if (max !== undefined) filters.push({ field: 'duration', operator: 'lte', value: max });
  if (search.errors !== undefined) filters.push({ field: 'status', operator: 'eq', value: 'error' });
  const typed = conditionFilters(search.where ?? [], grammar);
  return typed === undefined ? undefined : [...filters, ...typed];
}

export const hasFilters = (search: TraceSearch): boolean => Object.keys(traceSearch({ ...search })).length > 0;
