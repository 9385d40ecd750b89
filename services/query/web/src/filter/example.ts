// For tests: what a server may serve. A field of each kind, an operator of each sort, and one that no server has yet.

import type { FieldCatalogue, FieldKind, FilterField, FilterOperator, Operator, Signal } from '../api/model';

export const later = 'starts_with' as Operator;

const operator = (
  name: Operator,
  symbol: string,
  label: string,
  operand: FilterOperator['operand'] = 'one',
  negates?: Operator,
): FilterOperator => ({ name, symbol, label, operand, negates, description: `What ${name} asks.` });

const field = (name: string, kind: FieldKind, operators: Operator[], signals: Signal[], values: string[] = []) =>
  ({
    name,
    prefix: name.endsWith('.'),
    kind,
    signals,
    operators,
    values,
    description: `What ${name} is.`,
  }) satisfies FilterField;

const equality: Operator[] = ['eq', 'ne', 'in', 'not_in', 'exists'];
const order: Operator[] = ['gt', 'gte', 'lt', 'lte'];
const text: Operator[] = ['contains', 'regex', 'words', later];

export const example: FieldCatalogue = {
  operators: [
    operator('eq', '=', 'is'),
    operator('ne', '!=', 'is not', 'one', 'eq'),
    operator('gt', '>', 'greater than'),
    operator('gte', '>=', 'at least'),
    operator('lt', '<', 'less than'),
    operator('lte', '<=', 'at most'),
    operator('in', '', 'is one of', 'list'),
    operator('not_in', '', 'is none of', 'list', 'in'),
    operator('contains', ':', 'contains'),
    operator('regex', '~', 'matches'),
    operator('words', '', 'has the words'),
    operator(later, '^', 'starts with'),
    operator('exists', '', 'exists', 'flag'),
  ],
  fields: [
    field('service', 'text', [...equality, ...order, ...text], ['traces', 'logs']),
    field('kind', 'enum', [...equality, ...order], ['traces'], ['internal', 'server', 'client']),
    field('duration', 'duration', [...equality, ...order], ['traces']),
    field('root', 'boolean', ['eq', 'ne'], ['traces']),
    field('body', 'body', [...equality, ...order, ...text], ['logs']),
    field('event_name', 'text', [...equality, ...order, ...text], ['logs']),
    field('trace_id', 'id', equality, ['traces', 'logs']),
    field('scope.name', 'text', [...equality, ...order, ...text], ['traces', 'logs']),
    field('attributes.', 'attribute', [...equality, ...order, ...text], ['traces', 'logs']),
    field('resource.', 'attribute', [...equality, ...order, ...text], ['traces', 'logs']),
    field('scope.', 'attribute', [...equality, ...order, ...text], ['traces', 'logs']),
  ],
  relations: [
    { name: 'trace', description: 'any span of its trace, itself as well' },
    { name: 'parent', description: 'its parent' },
  ],
};
