// Filters made by clicks, in the form that the filters of the page have in the address.

import type { Literal } from '../../api/endpoints';
import type { Value } from '../../api/model';
import { conditionText } from '../../filter/condition';
import type { TraceSearch } from './filters';

/** The search with more conditions, each once. */
export function narrowed(search: TraceSearch, conditions: readonly string[]): Pick<TraceSearch, 'where'> {
  return { where: [...new Set([...(search.where ?? []), ...conditions])] };
}

/** The condition that a field has exactly this value, or has not; undefined where it cannot be written. */
export function ofValue(field: string, value: Value, wanted: boolean): string | undefined {
  const literal = literalOf(value);
  if (literal === undefined || !/^[^\s"=!<>~:]+$/.test(field)) return undefined;
  const text = conditionText(field, literal);
  return wanted ? text : `${field}!${text.slice(field.length)}`;
}

function literalOf(value: Value): Literal | undefined {
  switch (value.type) {
    case 'string':
    case 'bool':
    case 'int':
      return value.value;
    case 'double':
      return Number.isFinite(value.value) ? value.value : undefined;
    default:
      return undefined;
  }
}

const units = [
  ['s', 1e9],
  ['ms', 1e6],
  ['us', 1e3],
] as const;

/** A duration as it is typed, to the nanosecond: "134.217728ms". */
export function exactDuration(nanos: number): string {
  const [unit, size] = units.find(([, size]) => nanos >= size) ?? ['ns', 1];
  return `${nanos / size}${unit}`;
}
