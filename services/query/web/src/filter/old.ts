// Addresses from before there were queries: service=cart&errors=1&where=http.route=/cart. They are links in chats and runbooks,
// and what other pages say of a list that they lead to. Each parameter has the text of the condition that it means.

import { many, one } from '../route/search';
import { severities } from '../parts/severity';
import { quote } from './print';

/** What a link to the traces may say of them, besides a query. */
export interface OldTraceSearch {
  service?: string;
  operation?: string;
  /** As typed: "250ms". */
  min?: string;
  max?: string;
  errors?: '1';
  /** Conditions as typed. */
  where?: string[];
}

/** What a link to the logs may say of them, besides a query. */
export interface OldLogSearch {
  service?: string;
  /** The least severity to show. */
  severity?: (typeof severities)[number]['name'];
  /** Text that the body contains. */
  body?: string;
  trace?: string;
  span?: string;
  where?: string[];
}

type Old = Readonly<Record<string, (value: string) => string | undefined>>;

const both: Old = { service: (name) => `service = ${bareOr(name)}` };

const oldOf: Readonly<Record<'traces' | 'logs', Old>> = {
  traces: {
    ...both,
    where: (text) => oldCondition(text),
    operation: (name) => `name = ${bareOr(name)}`,
    min: (length) => `duration >= ${duration(length)}`,
    max: (length) => `duration <= ${duration(length)}`,
    errors: (flag) => (flag === '1' ? 'status = error' : undefined),
  },
  logs: {
    ...both,
    where: (text) => oldCondition(text, 'logs'),
    severity: (name) => (severities.some((s) => s.name === name) ? `severity >= ${name}` : undefined),
    body: quote,
    trace: (id) => `trace_id = ${bareOr(id.toLowerCase())}`,
    span: (id) => `span_id = ${bareOr(id.toLowerCase())}`,
  },
};

/** The query of an address: its own, and what older parameters mean. */
export function queryOf(search: Readonly<Record<string, unknown>>, signal: 'traces' | 'logs'): string | undefined {
  const query = one(search, 'q');
  const old = Object.entries(oldOf[signal]).flatMap(([name, text]) => many(search, name).flatMap((v) => text(v) ?? []));
  if (old.length === 0) return query;
  const text = old.join(' and ');
  // The router reads an address more than once, and its parameters stand beside what they were read as.
  if (query === undefined || query === text || ends(query, text)) return query ?? text;
  return `(${query}) and ${text}`;
}

/** Whether a query is another in brackets and this one: "a or b and this" is not, since and binds tighter. */
function ends(query: string, text: string): boolean {
  const tail = `) and ${text}`;
  if (!query.startsWith('(') || !query.endsWith(tail)) return false;
  let depth = 0;
  const last = query.length - tail.length;
  // What stands in quotes has no brackets.
  for (const { 0: part, index } of query.slice(0, last + 1).matchAll(/"(?:\\.|[^"\\])*"|[()]/gs)) {
    if (part === '(') depth++;
    if (part === ')' && --depth === 0) return index === last;
  }
  return false;
}

/** Whether a search is of the list of traces, which was the first page. */
export const isOfTraces = (search: Readonly<Record<string, unknown>>): boolean =>
  ['q', ...Object.keys(oldOf.traces)].some((name) => many(search, name).length > 0);

/** A search with its query as such, and without the parameters that meant a part of it. */
export function withQuery<T extends object>(search: T, signal: 'traces' | 'logs'): T {
  const all = search as Readonly<Record<string, unknown>>;
  const names = new Set(Object.keys(oldOf[signal]));
  const query = queryOf(all, signal);
  if (!Object.keys(all).some((name) => names.has(name))) return search;
  return Object.fromEntries([
    ...Object.entries(all).filter(([name]) => !names.has(name) && name !== 'q'),
    ...(query === undefined ? [] : [['q', query]]),
  ]) as T;
}

const symbols = ['!=', '>=', '<=', '=', '>', '<', '~', ':'] as const;
const phrases = [
  'is none of',
  'is one of',
  'greater than',
  'less than',
  'at least',
  'at most',
  'is not',
  'contains',
  'matches',
  'exists',
  'is',
] as const;
const lists: readonly string[] = ['is none of', 'is one of'];

/** A condition of before as one of today: its value went to the end of the text, and quotes in it were themselves. */
export function oldCondition(where: string, signal: 'traces' | 'logs' = 'traces'): string {
  const [, bang, name = '', rest = ''] = /^(!?)\s*([^=!<>~:"\s]*)\s*(.*)$/s.exec(where.trim()) ?? [];
  const loose = signal === 'logs' && !name.includes('.') && !/^(!=|>=|<=|=|>|<|~)/.test(rest);
  // In quotes it is a key for certain: of logs, "a is b" may be words.
  const key = loose || /[(),&|']|^(and|or|not)$/i.test(name) ? quote(name) : name;
  if (rest === '') return `${key} ${bang === '!' ? 'not ' : ''}exists`;
  const lower = `${rest.toLowerCase()} `;
  const operator = symbols.find((s) => rest.startsWith(s)) ?? phrases.find((p) => lower.startsWith(`${p} `));
  // What was no condition then is none now, and is refused where it stands.
  if (bang === '!' || operator === undefined) return where;
  const operand = rest.slice(operator.length).trim();
  if (operator === 'exists') return `${key} ${operand === 'false' ? 'not ' : ''}exists`;
  if (lists.includes(operator)) {
    const parts = operand.match(/\s*"[^"]*"\s*|[^,]+/g) ?? [];
    return `${key} ${operator} (${parts.map((part) => value(part.trim())).join(', ')})`;
  }
  return `${key} ${operator} ${name === 'duration' ? value(/^\d+$/.test(operand) ? `${operand}ns` : operand) : value(operand)}`;
}

/** A value: in quotes unless it needs none. */
function value(text: string): string {
  const quoted = /^"(.*)"$/s.exec(text)?.[1];
  return quoted === undefined ? bareOr(text) : quote(quoted);
}

/** A text as a value, of which quotes are a part. */
function bareOr(text: string): string {
  return /^[\w./%@+-][^\s(),"'&|]*$/.test(text) && !/^(and|or)$/i.test(text) ? text : quote(text);
}

/** A bare number was one of milliseconds. */
const duration = (text: string): string => {
  const joined = text.replace(/\s+/g, '');
  return /^\d+(\.\d+)?$/.test(joined) ? `${joined}ms` : value(joined);
};
