// Conditions made by clicks, in the text that queries have.

import type { Value } from '../../api/model';
import { narrow } from '../../filter/edit';
import type { Grammar } from '../../filter/grammar';
import { quote, textOf } from '../../filter/print';
import { anywhere, readQuery } from '../../filter/query';

/** The query with more conditions, each once. */
export function narrowed(query: string, conditions: readonly string[], grammar: Grammar): string {
  return conditions.reduce((text, condition) => {
    const read = readQuery(condition, grammar);
    return read.ok ? read.filters.reduce((so, filter) => narrow(so, filter, grammar), text) : text;
  }, query);
}

/** The condition that a field has exactly this value, or has not; undefined where it cannot be written. */
export function ofValue(field: string, value: Value, wanted: boolean): string | undefined {
  const operand = operandOf(value);
  const key = /^[\w.-]+$/.test(field) ? field : quote(field);
  return operand === undefined ? undefined : `${key} ${wanted ? '=' : '!='} ${operand}`;
}

function operandOf(value: Value): string | undefined {
  switch (value.type) {
    case 'string':
      return quote(value.value);
    case 'bool':
    case 'int':
      return String(value.value);
    case 'double':
      return Number.isFinite(value.value) ? String(value.value) : undefined;
    default:
      return undefined;
  }
}

const units = [
  ['s', 1e9],
  ['ms', 1e6],
  ['us', 1e3],
] as const;

/**
 * The query in words that need no scope. What is clicked was counted of the spans that are listed, so it must hold on one of
 * them: under "anywhere in the trace" each new condition would be looked for on any span.
 */
export function withoutScope(query: string, grammar: Grammar): string {
  const read = readQuery(query, grammar);
  return read.ok ? textOf(anywhere(read.filters), grammar) : query;
}

/** The longest duration that there is, in nanoseconds, and what no double below it is. */
const endOfDurations = 2 ** 63;

/** The conditions that a duration is from `shortest` to before `longest`; the last band of all ends nowhere. */
export const ofLength = (shortest: number, longest: number): string[] => [
  `duration>=${exactDuration(shortest)}`,
  ...(longest >= endOfDurations ? [] : [`duration<${exactDuration(longest)}`]),
];

/** A duration as it is typed, to the nanosecond: "134.217728ms". */
export function exactDuration(nanos: number): string {
  const [unit, size] = units.find(([, size]) => nanos >= size) ?? ['ns', 1];
  return `${nanos / size}${unit}`;
}
