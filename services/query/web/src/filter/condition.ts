// What a person types into a filter box, and the API's filters that it means.
//
//   http.route=/cart            a key, an operator's symbol, a value
//   duration at least 1.5s      or its words, as the server serves them
//   status is one of error, ok  a list where the operator takes one
//   feature.flag                is there        (!feature.flag: is not there)
//   resource.k8s.pod.name=…     only there; a bare key is looked for on the item and on its resource
//
// A bare number or true/false matches the value and its text, since senders disagree about types; "200" in quotes is text only.

import type { Condition, Filter, Literal } from '../api/endpoints';
import type { FilterField, FilterOperator } from '../api/model';
import { fieldNamed, spellings, type Grammar, type Question } from './grammar';

export type Parsed = { ok: true; filter: Filter } | Refused;

interface Refused {
  ok: false;
  problem: string;
}

const refuse = (problem: string): Refused => ({ ok: false, problem });

/** Where a bare key is looked for: who types it seldom knows which of the two has it. */
const bare = ['attributes.', 'resource.'];

export function parseCondition(text: string, grammar: Grammar): Parsed {
  const { bang, key, rest } = split(text.trim(), grammar.signs);
  if (key === '') return refuse('Write key=value, for example http.route=/cart');
  const targets = targetsOf(key, grammar);
  const [first] = targets;
  if (first === undefined) return refuse(`There is no field ${key} here`);
  if (bang && rest !== '') return refuse('Write !key without a value, or key!=value');

  const written = rest === '' ? presence(grammar, !bang) : operatorIn(rest, grammar);
  if (written === undefined) return refuse(`Write an operator after ${key}: ${spellings(grammar, first.field)}`);
  const { operator, operand } = written;
  const refusing = targets.find(({ field }) => !field.operators.includes(operator.name));
  if (refusing !== undefined) {
    return refuse(`${key} does not take "${operator.label}"; it takes ${spellings(grammar, refusing.field)}`);
  }

  const conditions: Condition[] = [];
  for (const { name, field } of targets) {
    const values = valuesOf(operand, operator, field, grammar.question(operator));
    if (!Array.isArray(values)) return refuse(`${values.problem} to compare ${key} with`);
    for (const value of values) conditions.push({ field: name, operator: operator.name, value });
  }
  // A negation must hold wherever the key may be and whatever the value may mean; anything else must hold for one.
  const negative = operator.negates !== undefined || (operator.operand === 'flag' && conditions[0]?.value === false);
  const [only] = conditions;
  if (only !== undefined && conditions.length === 1) return { ok: true, filter: only };
  return { ok: true, filter: negative ? { and: conditions } : { or: conditions } };
}

/** The filters of conditions as typed, less those that cannot be read; undefined while what may be typed is not known. */
export function conditionFilters(texts: readonly string[], grammar: Grammar | undefined): Filter[] | undefined {
  if (texts.length === 0) return [];
  if (grammar === undefined) return undefined;
  return texts.flatMap((text) => {
    const parsed = parseCondition(text, grammar);
    return parsed.ok ? [parsed.filter] : [];
  });
}

function split(text: string, signs: string): { bang: boolean; key: string; rest: string } {
  const bang = text.startsWith('!');
  const body = bang ? text.slice(1).trimStart() : text;
  const ends = new Set(`${signs}!"`);
  let length = 0;
  while (length < body.length && !ends.has(body.charAt(length)) && !/\s/.test(body.charAt(length))) length++;
  return { bang, key: body.slice(0, length), rest: body.slice(length).trim() };
}

interface Target {
  /** As it travels. */
  name: string;
  field: FilterField;
}

function targetsOf(key: string, grammar: Grammar): Target[] {
  const field = fieldNamed(grammar, key);
  if (field !== undefined) return [{ name: key, field }];
  return bare.flatMap((prefix) => {
    const under = fieldNamed(grammar, prefix + key);
    return under === undefined ? [] : [{ name: prefix + key, field: under }];
  });
}

interface Written {
  operator: FilterOperator;
  operand: string;
}

/** A key alone asks whether it is there. */
function presence({ operators }: Grammar, wanted: boolean): Written | undefined {
  const operator = operators.find((o) => o.operand === 'flag');
  return operator === undefined ? undefined : { operator, operand: String(wanted) };
}

function operatorIn(rest: string, { symbols, words }: Grammar): Written | undefined {
  const symbol = symbols.find(({ text }) => rest.startsWith(text));
  if (symbol !== undefined) return { operator: symbol.operator, operand: rest.slice(symbol.text.length).trim() };
  const lower = `${rest.toLowerCase()} `;
  const word = words.find(({ text }) => lower.startsWith(`${text} `));
  return word === undefined ? undefined : { operator: word.operator, operand: rest.slice(word.text.length).trim() };
}

/** The values that an operand may mean, each to be asked for by itself. */
function valuesOf(
  operand: string,
  operator: FilterOperator,
  field: FilterField,
  question: Question,
): Condition['value'][] | Refused {
  if (operator.operand === 'flag') {
    const flag = operand === '' ? true : typedLiteral(operand);
    return typeof flag === 'boolean' ? [flag] : refuse(`${operand} is not true or false`);
  }
  if (operator.operand === 'one') return meanings(operand, field, question);
  const list: Literal[] = [];
  for (const part of operand.match(/\s*"[^"]*"\s*|[^,]+/g) ?? []) {
    const values = meanings(part.trim(), field, question);
    if (!Array.isArray(values)) return values;
    list.push(...values);
  }
  return list.length === 0 ? refuse('Nothing is there') : [list];
}

function meanings(raw: string, field: FilterField, question: Question): Literal[] | Refused {
  const quoted = /^"(.*)"$/s.exec(raw)?.[1];
  const text = quoted ?? raw;
  const typed = quoted === undefined ? typedLiteral(raw) : undefined;
  const shown = raw === '' ? 'Nothing' : raw;
  switch (field.kind) {
    case 'text':
    case 'id':
      return [text];
    case 'attribute':
    case 'body':
      if (question === 'text' || quoted !== undefined) return [text];
      if (question === 'equality') return typed === undefined ? [text] : [typed, text];
      return typed === undefined || typeof typed === 'boolean' ? refuse(`${shown} is not a number`) : [typed];
    case 'enum':
      if (typed === undefined && !field.values.includes(text.toLowerCase())) {
        return refuse(`${shown} is not a number, nor one of ${field.values.join(', ')},`);
      }
      return [typed ?? text];
    case 'boolean':
      return typeof typed === 'boolean' ? [typed] : refuse(`${shown} is not true or false`);
    case 'duration': // The server reads "1.5s".
    case 'time':
      return [typed ?? text];
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

/** The text that parseCondition reads as "key has exactly this value". */
export function conditionText(key: string, value: Literal): string {
  if (typeof value !== 'string') return `${key}=${value}`;
  return typedLiteral(value) === undefined && value.trim() === value && !/^".*"$/s.test(value)
    ? `${key}=${value}`
    : `${key}="${value}"`;
}
