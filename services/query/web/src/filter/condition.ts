// What a person types into a filter box, and the API's filters that it means.
//
//   http.route=/cart            equal; of spans and resources alike
//   http.response.status_code>=500
//   user.id!=42                 not equal, or absent
//   exception.type~Timeout      regular expression
//   db.query.text:orders        contains
//   feature.flag                is there        (!feature.flag: is not there)
//   resource.k8s.pod.name=…     only there      (also attributes.…, scope.…)
//
// A bare number or true/false matches the value and its text, since senders disagree about types; "200" in quotes is text only.

import type { Condition, Filter, Literal, Operator } from '../api/endpoints';

export type Parsed = { ok: true; filter: Filter } | { ok: false; problem: string };

const symbols: readonly (readonly [string, Operator])[] = [
  ['!=', 'ne'],
  ['>=', 'gte'],
  ['<=', 'lte'],
  ['=', 'eq'],
  ['>', 'gt'],
  ['<', 'lt'],
  ['~', 'regex'],
  [':', 'contains'],
];

/** Reads one condition. `columns` are the fields of the signal that are not attributes and may be named bare. */
export function parseCondition(text: string, columns: readonly string[]): Parsed {
  const input = text.trim();
  const match = /^(!?)\s*([^\s=!<>~:"]+)\s*(.*)$/s.exec(input);
  if (match === null) return { ok: false, problem: 'Write key=value, for example http.route=/cart' };
  const [, bang, key = '', rest = ''] = match;
  if (rest === '') return { ok: true, filter: spread(key, columns, 'exists', bang !== '!') };
  if (bang === '!') return { ok: false, problem: 'Write !key without a value, or key!=value' };
  const symbol = symbols.find(([s]) => rest.startsWith(s));
  if (symbol === undefined) return { ok: false, problem: `Write an operator after ${key}: = != > >= < <= ~ :` };
  const [sign, operator] = symbol;
  const raw = rest.slice(sign.length).trim();
  const quoted = /^"(.*)"$/s.exec(raw)?.[1];
  const value = quoted ?? raw;

  switch (operator) {
    case 'eq':
    case 'ne': {
      const typed = quoted === undefined ? typedLiteral(raw) : undefined;
      if (typed === undefined) return { ok: true, filter: spread(key, columns, operator, value) };
      if (columns.includes(key)) return { ok: true, filter: { field: key, operator, value: typed } };
      return { ok: true, filter: spread(key, columns, operator === 'eq' ? 'in' : 'not_in', [typed, raw]) };
    }
    case 'regex':
      try {
        new RegExp(value);
      } catch {
        return { ok: false, problem: `${value} is not a regular expression` };
      }
      return { ok: true, filter: spread(key, columns, operator, value) };
    case 'contains':
      return { ok: true, filter: spread(key, columns, operator, value) };
    default: {
      const typed = typedLiteral(raw);
      // Durations and times compare as text with a unit ("duration>1.5s"); attributes only as numbers.
      if (!columns.includes(key) && (typed === undefined || typeof typed === 'boolean')) {
        return { ok: false, problem: `${raw === '' ? 'Nothing' : raw} is not a number to compare ${key} with` };
      }
      return { ok: true, filter: spread(key, columns, operator, typed ?? value) };
    }
  }
}

function typedLiteral(text: string): Exclude<Literal, string> | undefined {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^-?\d+$/.test(text)) {
    const integer = BigInt(text);
    const number = Number(integer);
    return Number.isSafeInteger(number) ? number : integer;
  }
  if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  return undefined;
}

/** A bare key means the item's attribute or its resource's; a negation must hold for both. */
function spread(key: string, columns: readonly string[], operator: Operator, value: Condition['value']): Filter {
  if (columns.includes(key) || /^(attributes|resource|scope)\../.test(key)) return { field: key, operator, value };
  const both = [
    { field: `attributes.${key}`, operator, value },
    { field: `resource.${key}`, operator, value },
  ];
  const negative = operator === 'ne' || operator === 'not_in' || (operator === 'exists' && value === false);
  return negative ? { and: both } : { or: both };
}

/** The text that parseCondition reads as "key has exactly this value". */
export function conditionText(key: string, value: Literal): string {
  if (typeof value !== 'string') return `${key}=${value}`;
  return typedLiteral(value) === undefined && value.trim() === value && !/^".*"$/s.test(value)
    ? `${key}=${value}`
    : `${key}="${value}"`;
}
