// Changes to a query by a value that somebody points at: only it, it too, or not it.

import type { Filter, Literal } from '../api/endpoints';
import type { Operator } from '../api/model';
import { bareKey, targetsOf, type Grammar } from './grammar';
import { mean } from './mean';
import { parse } from './parse';
import { doubleOperand, filterKey, print, treeOf } from './print';
import { nowhere, type ConditionTree, type Operand, type Tree } from './tree';

/** A value of a field, as filters call it. */
export interface Pointed {
  field: string;
  value: Literal;
}

/** Whether a name is that of no field: of an attribute without a key there is its prefix alone, which no condition names. */
export const isPrefix = (field: string): boolean => /^[^.]+\.$/.test(field);

const whole: readonly string[] = ['service', 'namespace', 'name'];

/**
 * Whether a counted value may be told by its beginning and a hash, as the server tells texts beyond 512 bytes and long lists:
 * a condition with it finds nothing, but on the fields that know their own short forms.
 */
export const isCut = (field: string, value: Literal): boolean =>
  typeof value === 'string' && !whole.includes(field) && new TextEncoder().encode(value).length > 500;

/** The pair of operators, for one value and for several, that takes a value in, or leaves it out. */
const inward = ['eq', 'in'] as const;
const outward = ['ne', 'not_in'] as const;

/** The query that asks for this value alone. */
export const only = (pointed: Pointed, grammar: Grammar): string => print(condition(pointed, inward, grammar), grammar);

/** The query with this value as well: beside others of its field, each will do. Without it, where it asks for it already. */
export const include = (text: string, pointed: Pointed, grammar: Grammar): string =>
  change(text, pointed, inward, outward, grammar);

/** The query without items of this value; with them again, where it leaves them out. */
export const exclude = (text: string, pointed: Pointed, grammar: Grammar): string =>
  change(text, pointed, outward, inward, grammar);

/** Whether a query asks for a value or leaves it out. */
export function standing(text: string, pointed: Pointed, grammar: Grammar): 'in' | 'out' | undefined {
  const parts = conjuncts(text, grammar) ?? [];
  const has = (names: Names) =>
    parts.some((part) => isAbout(part, pointed, names, grammar) && at(part, pointed, grammar) >= 0);
  return has(inward) ? 'in' : has(outward) ? 'out' : undefined;
}

/** The query with one more filter that must hold. */
export function narrow(text: string, filter: Filter, grammar: Grammar): string {
  const parts = conjuncts(text, grammar);
  const more = treeOf(filter, grammar);
  if (parts === undefined) return print(more, grammar);
  const key = filterKey(filter);
  return parts.some((part) => filterKey(mean(part, grammar)) === key) ? text : joined([...parts, more], grammar);
}

type Names = readonly [one: Operator, several: Operator];

function change(text: string, pointed: Pointed, names: Names, opposite: Names, grammar: Grammar): string {
  const parts = conjuncts(text, grammar);
  // What cannot be read cannot be changed either: the value alone is asked for.
  if (parts === undefined) return print(condition(pointed, names, grammar), grammar);
  let done = false;
  const next = parts.flatMap((part): Tree[] => {
    const own = isAbout(part, pointed, names, grammar);
    if (!own && !isAbout(part, pointed, opposite, grammar)) return [part];
    const place = at(part, pointed, grammar);
    const rest = part.operands.filter((_, i) => i !== place);
    if (own && !done) {
      done = true;
      const operands = place >= 0 ? rest : [...part.operands, operandOf(pointed, names, grammar)];
      return withOperands(part, operands, names, grammar);
    }
    return withOperands(part, rest, own ? names : opposite, grammar);
  });
  return joined(done ? next : [...next, condition(pointed, names, grammar)], grammar);
}

function withOperands(part: ConditionTree, operands: readonly Operand[], names: Names, grammar: Grammar): Tree[] {
  const [last] = operands.slice(-1);
  if (last === undefined) return [];
  // A field that takes no list, as true or false, has one value: the other would break the query.
  const takesList = targetsOf(part.key, grammar).every(({ field }) => field.operators.includes(names[1]));
  if (!takesList) return [{ ...part, operator: operatorNamed(names[0], grammar), operands: [last] }];
  return [{ ...part, operator: operatorNamed(names[operands.length === 1 ? 0 : 1], grammar), operands }];
}

/** The parts of a query that must all hold; undefined where it cannot be read. */
function conjuncts(text: string, grammar: Grammar): readonly Tree[] | undefined {
  const parsed = parse(text, grammar);
  if (!parsed.ok) return undefined;
  const { tree } = parsed;
  return tree === undefined ? [] : tree.is === 'and' ? tree.of : [tree];
}

const joined = (parts: readonly Tree[], grammar: Grammar): string =>
  parts.length === 0 ? '' : print(parts.length === 1 ? parts[0]! : { is: 'and', of: parts, ...nowhere }, grammar);

function isAbout(part: Tree, { field }: Pointed, names: Names, grammar: Grammar): part is ConditionTree {
  return (
    part.is === 'condition' &&
    names.includes(part.operator.name) &&
    (part.key === field || part.key === bareKey(field, grammar))
  );
}

/** Which of a condition's values is the one; -1 if none. */
function at(part: ConditionTree, pointed: Pointed, grammar: Grammar): number {
  const key = (operand: Operand) =>
    filterKey(mean({ ...part, operator: operatorNamed('eq', grammar), operands: [operand] }, grammar));
  const sought = key(operandOf(pointed, inward, grammar));
  return part.operands.findIndex((operand) => key(operand) === sought);
}

function condition(pointed: Pointed, names: Names, grammar: Grammar): ConditionTree {
  return {
    is: 'condition',
    key: pointed.field,
    operator: operatorNamed(names[0], grammar),
    operands: [operandOf(pointed, names, grammar)],
    ...nowhere,
  };
}

/** The value as people write it: a number or true/false also means its text. */
function operandOf({ field, value }: Pointed, [operator]: Names, grammar: Grammar): Operand {
  if (typeof value !== 'string' && typeof value !== 'object') return { is: 'bare', text: String(value), ...nowhere };
  if (typeof value === 'object' && value.type === 'double') return doubleOperand(value.value);
  const tree = treeOf({ field, operator, value }, grammar);
  const written = tree.is === 'condition' ? tree.operands[0] : undefined;
  return written ?? { is: 'quoted', text: typeof value === 'string' ? value : '', ...nowhere };
}

const operatorNamed = (name: Operator, grammar: Grammar) => grammar.operators.find((o) => o.name === name)!;
