// What a query means: its text's tree as the API's filters, whose fields and operators are those that the server serves.
//
// A bare number or true/false of an attribute matches the value and its text, since senders disagree about types; "200" in
// quotes is text only, int(200) an integer only, number(200) integers and doubles.

import type { Condition, Filter, Literal } from '../api/endpoints';
import type { FilterField, FilterOperator } from '../api/model';
import { parseDuration } from '../time/duration';
import { spellings, targetsOf, type Grammar, type Question } from './grammar';
import { Unreadable, type ConditionTree, type ExactType, type Operand, type Tree } from './tree';

/** The filter that a tree means. Throws Unreadable where it means none. */
export function mean(tree: Tree, grammar: Grammar): Filter {
  switch (tree.is) {
    case 'and':
      return { and: tree.of.map((part) => mean(part, grammar)) };
    case 'or':
      return { or: tree.of.map((part) => mean(part, grammar)) };
    case 'not':
      return { not: means(tree.of, grammar) };
    case 'related':
      return { relation: tree.relation, filters: means(tree.of, grammar) };
    case 'words':
      return words(tree, grammar);
    case 'condition':
      return condition(tree, grammar);
  }
}

/** The filters that a tree means, all of which must hold. */
export const means = (tree: Tree, grammar: Grammar): Filter[] =>
  tree.is === 'and' ? tree.of.map((part) => mean(part, grammar)) : [mean(tree, grammar)];

function words(tree: Extract<Tree, { is: 'words' }>, { words: field }: Grammar): Filter {
  if (field === undefined)
    throw new Unreadable('Words by themselves are looked for in log records only', tree.from, tree.to);
  return { field: field.name, operator: operatorOf(tree), value: tree.text };
}

/** What words ask for: a part of a text as it stands where they are quoted, or have no letter or digit; else the words, whatever their case. */
export const operatorOf = ({ text, quoted }: { text: string; quoted: boolean }): 'contains' | 'words' =>
  quoted || !/[\w\u0080-\u{10ffff}]/u.test(text) ? 'contains' : 'words';

function condition(tree: ConditionTree, grammar: Grammar): Filter {
  const { key, operator } = tree;
  const targets = targetsOf(key, grammar);
  if (targets.length === 0) throw new Unreadable(`There is no field ${key} here`, tree.from, tree.from + key.length);
  const refusing = targets.find(({ field }) => !field.operators.includes(operator.name));
  if (refusing !== undefined) {
    throw new Unreadable(
      `${key} does not take "${operator.label}"; it takes ${spellings(grammar, refusing.field)}`,
      tree.from,
      tree.to,
      { what: 'operator', key },
    );
  }
  const conditions: Condition[] = [];
  for (const { name, field } of targets) {
    for (const value of values(tree, field, grammar)) conditions.push({ field: name, operator: operator.name, value });
  }
  // A negation must hold wherever the key may be and whatever the value may mean; anything else must hold for one.
  const negative = operator.negates !== undefined || (operator.operand === 'flag' && conditions[0]?.value === false);
  const [only] = conditions;
  if (only !== undefined && conditions.length === 1) return only;
  return negative ? { and: conditions } : { or: conditions };
}

/** The values that operands may mean, each to be asked for by itself. */
function values(
  { key, operator, operands }: ConditionTree,
  field: FilterField,
  grammar: Grammar,
): Condition['value'][] {
  const question = grammar.question(operator);
  const meant = operands.map((operand) => {
    try {
      return meanings(operand, operator, field, question);
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
      throw new Unreadable(`${error.message}, to compare ${key} with`, operand.from, operand.to, {
        what: 'value',
        key,
        operator,
        listed: operator.operand === 'list',
      });
    }
  });
  return operator.operand === 'list' ? [meant.flat()] : meant.flat();
}

/** Why an operand is no value of a field. */
class Misfit extends Error {}

/** The values that an operand may mean to a field. */
export function meanings(
  operand: Operand,
  operator: FilterOperator,
  field: FilterField,
  question: Question,
): Literal[] {
  const { text } = operand;
  if (operand.is === 'exact') return [exact(operand.type, text)];
  const quoted = operand.is === 'quoted';
  const typed = quoted ? undefined : typedLiteral(text);
  const shown = text === '' ? 'Nothing' : text;
  if (operator.operand === 'flag') {
    if (typeof typed !== 'boolean') throw new Misfit(`${shown} is not true or false`);
    return [typed];
  }
  switch (field.kind) {
    case 'text':
      return [text];
    case 'id':
      if (!/^[0-9a-f]+$/i.test(text)) throw new Misfit(`${shown} is no id, which is hex digits`);
      return [text];
    case 'attribute':
    case 'body':
      if (question === 'text' || quoted) return [text];
      if (question === 'equality') return typed === undefined ? [text] : [typed, text];
      return [measured(text, typed, shown)];
    case 'enum':
      if (typed === undefined && !field.values.includes(text.toLowerCase())) {
        throw new Misfit(`${shown} is not a number, nor one of ${field.values.join(', ')}`);
      }
      return [typed ?? text];
    case 'boolean':
      if (typeof typed !== 'boolean') throw new Misfit(`${shown} is not true or false`);
      return [typed];
    case 'duration':
      return [duration(text, shown)];
    case 'time':
      return [typed ?? text];
  }
}

/** Bytes by their unit; a time by none, since nobody knows in which an attribute counts. */
function measured(text: string, typed: Literal | undefined, shown: string): Literal {
  if (typed !== undefined && typeof typed !== 'boolean') return typed;
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  // Beyond the integers there are doubles, which have an order with all numbers.
  if (number.test(text) && Number.isFinite(Number(text))) return Number(text);
  throw new Misfit(
    `${shown} is not a number${parseDuration(text) === undefined ? ' (a text stands in quotes)' : ': lengths of time are of duration only'}`,
  );
}

/** Nanoseconds. A bare number could be any unit's. */
function duration(text: string, shown: string): number {
  const nanos = /^\d+(\.\d+)?$/.test(text) && text !== '0' ? undefined : parseDuration(text);
  if (nanos !== undefined && Number.isSafeInteger(nanos)) return nanos;
  throw new Misfit(`${shown} is no length of time like 100ms or 1.5s`);
}

const byteUnits: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['tb', 1e12],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
  ['tib', 2 ** 40],
]);

/** "2MB", "1.5 KiB" as a number of bytes; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text) ?? [];
  const size = byteUnits.get((unit ?? '').toLowerCase());
  return size === undefined ? undefined : Math.round(Number(amount) * size);
}

function exact(type: ExactType, text: string): Literal {
  switch (type) {
    case 'number':
      if (!number.test(text) || !Number.isFinite(Number(text))) throw new Misfit(`${text} is not a number`);
      return Number(text);
    case 'int':
      if (!/^-?\d+$/.test(text)) throw new Misfit(`${text} is not an integer`);
      if (!isInt64(BigInt(text))) throw new Misfit(`${text} is beyond the integers of 64 bits`);
      return BigInt(text);
    case 'double':
      if (!number.test(text) && !/^(NaN|-?Infinity)$/.test(text)) throw new Misfit(`${text} is not a number`);
      return { type: 'double', value: Number(text) };
    case 'bool':
      if (text !== 'true' && text !== 'false') throw new Misfit(`${text} is not true or false`);
      return text === 'true';
    case 'text':
      return text;
    case 'bytes':
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Misfit(`${text} is not base64`);
      return { type: 'bytes', base64: text };
    case 'nothing':
      if (text !== '') throw new Misfit('nothing() holds nothing');
      return { type: 'empty' };
  }
}

const number = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Whether an integer is one that telemetry can hold: the server refuses a query with any other. */
const isInt64 = (integer: bigint): boolean => BigInt.asIntN(64, integer) === integer;

/**
 * A number or true/false, where the text is one; integers beyond 2^53 are bigint. Digits beyond 2^63 are a text alone: ids are
 * sent so, and no integer is.
 */
export function typedLiteral(text: string): number | boolean | bigint | undefined {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (/^-?\d+$/.test(text)) {
    const integer = BigInt(text);
    const short = Number(integer);
    if (Number.isSafeInteger(short)) return short;
    return isInt64(integer) ? integer : undefined;
  }
  return number.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
}
