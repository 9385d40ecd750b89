// A query as rows and groups, for those who build it: each row a field, an operator and a value, as they are typed.

import type { Operator, Relation } from '../api/model';
import { relationName, spelling, type Grammar } from './grammar';
import { operatorOf } from './mean';
import { parse } from './parse';
import { printKey, printOperand, quote } from './print';
import type { Tree } from './tree';

export interface Row {
  is: 'row';
  not: boolean;
  key: string;
  operator: Operator;
  /** As in the text of a query; what could not stand there is put in quotes. */
  value: string;
}

export interface Group {
  is: 'group';
  not: boolean;
  join: 'and' | 'or';
  /** Of traces: what stands in it is about another span of the trace. */
  relation: Relation | undefined;
  of: readonly Draft[];
}

export type Draft = Row | Group;

export const emptyRow = (grammar: Grammar): Row => ({
  is: 'row',
  not: false,
  key: '',
  operator: grammar.operators[0]!.name,
  value: '',
});

export const group = (of: readonly Draft[], join: Group['join'] = 'and'): Group => ({
  is: 'group',
  not: false,
  join,
  relation: undefined,
  of,
});

/** The rows and groups of a query; one empty row of none. */
export function draftOf(tree: Tree | undefined, grammar: Grammar): Group {
  if (tree === undefined) return group([emptyRow(grammar)]);
  const draft = drafted(tree, grammar);
  return draft.is === 'group' && !draft.not && draft.relation === undefined ? draft : group([draft]);
}

function drafted(tree: Tree, grammar: Grammar): Draft {
  switch (tree.is) {
    case 'and':
    case 'or':
      return group(
        tree.of.map((part) => drafted(part, grammar)),
        tree.is,
      );
    case 'not': {
      const of = drafted(tree.of, grammar);
      return of.not || (of.is === 'group' && of.relation !== undefined)
        ? { ...group([of]), not: true }
        : { ...of, not: true };
    }
    case 'related': {
      const of = drafted(tree.of, grammar);
      const inner = of.is === 'group' && !of.not && of.relation === undefined ? of : group([of]);
      return { ...inner, relation: tree.relation };
    }
    case 'words':
      return {
        ...emptyRow(grammar),
        key: grammar.words?.name ?? '',
        operator: operatorOf(tree),
        value: quote(tree.text),
      };
    case 'condition':
      return {
        is: 'row',
        not: false,
        key: tree.key,
        operator: tree.operator.name,
        value: tree.operands.map((operand) => printOperand(operand, grammar)).join(', '),
      };
  }
}

/** The text of rows and groups. Rows without a field are not written yet. */
export function textOfDraft(draft: Group, grammar: Grammar): string {
  return members(draft, grammar);
}

function written(draft: Draft, grammar: Grammar, alone: boolean): string {
  if (draft.is === 'row') return row(draft, grammar);
  const inner = members(draft, grammar);
  if (inner === '') return '';
  if (draft.relation !== undefined) return `${draft.not ? 'not ' : ''}${relationName(draft.relation)}(${inner})`;
  return draft.not ? `not (${inner})` : alone ? inner : `(${inner})`;
}

function members({ of, join }: Group, grammar: Grammar): string {
  const parts = of.map((part) => written(part, grammar, of.length === 1)).filter((part) => part !== '');
  return parts.join(` ${join} `);
}

function row({ not, key, operator: name, value }: Row, grammar: Grammar): string {
  const operator = grammar.operators.find((o) => o.name === name);
  if (key.trim() === '' || operator === undefined) return '';
  const bang = not ? 'not ' : '';
  const head = `${printKey(key.trim(), grammar)} `;
  switch (operator.operand) {
    case 'flag':
      return `${bang}${head}${value.trim() === 'false' ? 'not ' : ''}${spelling(operator)}`;
    case 'one':
      return `${bang}${head}${spelling(operator)} ${one(value.trim(), grammar)}`;
    case 'list': {
      const values = value.match(/\s*"(?:\\.|[^"\\])*"\s*|[^,]+/g) ?? [];
      return `${bang}${head}${spelling(operator)} (${values.map((v) => one(v.trim(), grammar)).join(', ')})`;
    }
  }
}

/** A value as it may stand in a query. */
function one(value: string, grammar: Grammar): string {
  if (value === '') return '';
  const key = grammar.fields.find((field) => !field.prefix)?.name ?? 'x';
  const symbol = grammar.symbols.find(({ operator }) => operator.operand === 'one');
  const parsed = parse(`${key} ${symbol?.text ?? '='} ${value}`, grammar);
  return parsed.ok && parsed.tree?.is === 'condition' ? value : quote(value);
}
