// Text of queries: of their trees as they were written, and of the API's filters, which read back as the same filters.

import type { Condition, Filter, Literal } from '../api/endpoints';
import type { FilterOperator, Value } from '../api/model';
import { bareKey, fieldNamed, readsAsText, relationName, spelling, type Grammar } from './grammar';
import { mean, typedLiteral } from './mean';
import { parse } from './parse';
import { exactTypes, nowhere, Unreadable, type ConditionTree, type Operand, type Tree } from './tree';

/** The text of a tree, which reads back as the same tree. */
export function print(tree: Tree, grammar: Grammar): string {
  switch (tree.is) {
    case 'and':
    case 'or':
      return tree.of.map((part) => nested(part, grammar)).join(` ${tree.is} `);
    case 'not':
      return `not ${nested(tree.of, grammar)}`;
    case 'related':
      return `${relationName(tree.relation)}(${print(tree.of, grammar)})`;
    case 'words':
      return tree.quoted || !isWord(tree.text, grammar) ? quote(tree.text) : tree.text;
    case 'condition':
      return condition(tree, grammar);
  }
}

/** A part of a group: a group in it stands in brackets, also where it could do without, so that it stays what it is. */
const nested = (tree: Tree, grammar: Grammar): string =>
  tree.is === 'and' || tree.is === 'or' ? `(${print(tree, grammar)})` : print(tree, grammar);

function condition({ key, operator, operands }: ConditionTree, grammar: Grammar): string {
  const plainName = printKey(key, grammar);
  // In quotes it is a key for certain.
  const name =
    plainName === key && /[a-z:]/i.test(spelling(operator)) && readsAsText(key, grammar) ? quote(key) : plainName;
  const [first] = operands;
  if (operator.operand === 'flag') {
    return `${name} ${first?.text === 'false' ? 'not ' : ''}${spelling(operator)}`;
  }
  const values = operands.map((operand) => printOperand(operand, grammar));
  return `${name} ${spelling(operator)} ${operator.operand === 'list' ? `(${values.join(', ')})` : values.join('')}`;
}

export function printKey(key: string, grammar: Grammar): string {
  return key !== '' && !grammar.keyEnd.test(key) && !/^(and|or|not)$/i.test(key) && !/^["']/.test(key)
    ? key
    : quote(key);
}

export function printOperand(operand: Operand, grammar: Grammar): string {
  switch (operand.is) {
    case 'bare':
      return isBare(operand.text, grammar) ? operand.text : quote(operand.text);
    case 'quoted':
      return quote(operand.text);
    case 'exact':
      return `${operand.type}(${operand.type === 'text' ? quote(operand.text) : operand.text})`;
  }
}

/** Whether a text can stand for a value without quotes. */
function isBare(text: string, grammar: Grammar): boolean {
  return (
    /^[^\s(),"]+$/.test(text) &&
    !/&&|\|\|/.test(text) &&
    !/^(and|or)$/i.test(text) &&
    !`${grammar.signs}!'`.includes(text.charAt(0))
  );
}

/** Whether a text by itself is read as one word of bodies. */
function isWord(text: string, grammar: Grammar): boolean {
  const parsed = parse(text, grammar);
  return parsed.ok && parsed.tree?.is === 'words' && !parsed.tree.quoted && parsed.tree.text === text;
}

/** A value of the data as it is written in a query: a number or true/false also means its text. */
export function quoteValue(value: Value, grammar: Grammar): string {
  switch (value.type) {
    case 'string':
      return typedText(value.value) || !isBare(value.value, grammar) ? quote(value.value) : value.value;
    case 'int':
    case 'bool':
      return String(value.value);
    case 'double':
      return printOperand(doubleOperand(value.value), grammar);
    case 'bytes':
      return `bytes(${value.base64})`;
    default:
      return 'nothing()';
  }
}

/** Whether a text without quotes would be a number or true/false, or would have a type. */
const typedText = (text: string): boolean =>
  typedLiteral(text) !== undefined || exactTypes.some((type) => text.startsWith(`${type}(`));

/** A double as people write it. Of one that reads back as a text or as an integer alone, with its type. */
export const doubleOperand = (value: number): Operand =>
  Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))
    ? { is: 'bare', text: String(value), ...nowhere }
    : { is: 'exact', type: 'double', text: String(value), ...nowhere };

export const quote = (text: string): string =>
  `"${text.replace(/[\\"\n\t\r]/g, (char) => ({ '\n': '\\n', '\t': '\\t', '\r': '\\r' })[char] ?? `\\${char}`)}"`;

// ------------------------------------------------------------------ filters

/** The text of filters that all must hold; it reads back as the same filters, but for brackets that mean nothing. */
export function textOf(filters: readonly Filter[], grammar: Grammar): string {
  const trees = filters.map((filter) => treeOf(filter, grammar));
  const [only] = trees;
  if (only === undefined) return '';
  return print(trees.length === 1 ? only : { is: 'and', of: trees, ...nowhere }, grammar);
}

/** The tree of a filter, in the fewest conditions that mean it. */
export function treeOf(filter: Filter, grammar: Grammar): Tree {
  const simple = plain(filter);
  const short = shortest(simple, grammar);
  if (short !== undefined) return short;
  if ('and' in simple) return { is: 'and', of: simple.and.map((part) => treeOf(part, grammar)), ...nowhere };
  if ('or' in simple) return { is: 'or', of: simple.or.map((part) => treeOf(part, grammar)), ...nowhere };
  if ('not' in simple) return { is: 'not', of: together(simple.not, grammar), ...nowhere };
  if ('relation' in simple) {
    return { is: 'related', relation: simple.relation, of: together(simple.filters, grammar), ...nowhere };
  }
  return exactly(simple, grammar);
}

function together(filters: readonly Filter[], grammar: Grammar): Tree {
  return treeOf(filters.length === 1 ? filters[0]! : { and: filters }, grammar);
}

/** The same without groups of one, and without the "and" that a negation and a relation have anyway. */
export function plain(filter: Filter): Filter {
  if ('and' in filter) return filter.and.length === 1 ? plain(filter.and[0]!) : { and: filter.and.map(plain) };
  if ('or' in filter) return filter.or.length === 1 ? plain(filter.or[0]!) : { or: filter.or.map(plain) };
  if ('not' in filter) return { not: all(filter.not) };
  if ('relation' in filter) return { relation: filter.relation, filters: all(filter.filters) };
  return filter;
}

function all(filters: readonly Filter[]): readonly Filter[] {
  const simple = filters.map(plain);
  const [only] = simple;
  return only !== undefined && simple.length === 1 && 'and' in only ? only.and : simple;
}

/** One condition or word that means a filter, where there is one. */
function shortest(filter: Filter, grammar: Grammar): Tree | undefined {
  const conditions = 'or' in filter ? filter.or : 'and' in filter ? filter.and : [filter];
  const [first] = conditions;
  if (first === undefined || !('field' in first)) return undefined;
  const same = conditions.every((c) => 'field' in c && c.operator === first.operator);
  const operator = grammar.operators.find(({ name }) => name === first.operator);
  if (!same || operator === undefined) return undefined;
  for (const tree of candidates(first, operator, grammar)) {
    if (sameFilter(meant(tree, grammar), filter)) return tree;
  }
  return undefined;
}

function* candidates(first: Condition, operator: FilterOperator, grammar: Grammar): Generator<Tree> {
  if (first.field === grammar.words?.name && typeof first.value === 'string') {
    if (isWord(first.value, grammar)) yield { is: 'words', text: first.value, quoted: false, ...nowhere };
    if (first.value !== '') yield { is: 'words', text: first.value, quoted: true, ...nowhere };
  }
  const short = bareKey(first.field, grammar);
  for (const key of short === undefined ? [first.field] : [short, first.field]) {
    if (Array.isArray(first.value)) {
      yield { is: 'condition', key, operator, operands: listed(first.value as readonly Literal[]), ...nowhere };
      continue;
    }
    for (const operand of [...loose(first.value as Literal), strict(first.value as Literal)]) {
      yield { is: 'condition', key, operator, operands: [operand], ...nowhere };
    }
  }
}

/** A list's values, each as loosely as means it: a number that its text follows is written once. */
function listed(values: readonly Literal[]): Operand[] {
  const operands: Operand[] = [];
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (typeof value !== 'string' && typeof value !== 'object' && values[i + 1] === String(value)) {
      operands.push({ is: 'bare', text: String(value), ...nowhere });
      i++;
    } else if (typeof value === 'string' && typedLiteral(value) === undefined) {
      operands.push({ is: 'bare', text: value, ...nowhere });
    } else {
      operands.push(strict(value));
    }
  }
  return operands;
}

function* loose(value: Literal): Generator<Operand> {
  if (typeof value === 'object') return;
  if (typeof value === 'number') {
    for (const [unit, size] of durations) {
      if (value !== 0 && value % size === 0) yield { is: 'bare', text: `${value / size}${unit}`, ...nowhere };
    }
  }
  yield { is: 'bare', text: String(value), ...nowhere };
  if (typeof value === 'string') yield { is: 'quoted', text: value, ...nowhere };
}

/** From the greatest: 90 s are no whole minutes, so they are 90s. */
const durations: readonly (readonly [string, number])[] = [
  ['h', 3600e9],
  ['m', 60e9],
  ['s', 1e9],
  ['ms', 1e6],
  ['us', 1e3],
  ['ns', 1],
];

/** A value as nothing else could be read from it. */
function strict(value: Literal): Operand {
  switch (typeof value) {
    case 'string':
      return { is: 'quoted', text: value, ...nowhere };
    case 'number':
      return { is: 'exact', type: 'number', text: String(value), ...nowhere };
    case 'bigint':
      return { is: 'exact', type: 'int', text: String(value), ...nowhere };
    case 'boolean':
      return { is: 'exact', type: 'bool', text: String(value), ...nowhere };
  }
  switch (value.type) {
    case 'double':
      return { is: 'exact', type: 'double', text: String(value.value), ...nowhere };
    case 'bytes':
      return { is: 'exact', type: 'bytes', text: value.base64, ...nowhere };
    case 'empty':
      return { is: 'exact', type: 'nothing', text: '', ...nowhere };
  }
}

/** A condition that no loose spelling means; a text among them says its type, which fields of other kinds would read as theirs. */
function exactly({ field, operator: name, value }: Condition, grammar: Grammar): Tree {
  const operator = grammar.operators.find((o) => o.name === name);
  if (operator === undefined || fieldNamed(grammar, field) === undefined) {
    throw new Error(`${field} ${name} is no condition on ${grammar.signal}`);
  }
  const list = (Array.isArray(value) ? value : [value]) as readonly Literal[];
  const operands = list.map((one): Operand =>
    typeof one === 'string' ? { is: 'exact', type: 'text', text: one, ...nowhere } : strict(one),
  );
  return { is: 'condition', key: field, operator, operands, ...nowhere };
}

function meant(tree: Tree, grammar: Grammar): Filter | undefined {
  try {
    return mean(tree, grammar);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

/** What is the same for equal filters. JSON has no bigint, no NaN and no infinities, and takes an int and a number for one. */
export const filterKey = (filter: unknown): string =>
  JSON.stringify(filter, (_, value: unknown) => {
    if (typeof value === 'bigint') return { int: value.toString() };
    return typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value;
  });

const sameFilter = (a: Filter | undefined, b: Filter): boolean => a !== undefined && filterKey(a) === filterKey(b);
