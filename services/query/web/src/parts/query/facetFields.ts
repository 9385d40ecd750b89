// Which fields stand beside a list.

import type { AttributeKey, Facet } from '../../api/model';
import type { Grammar } from '../../filter/grammar';

/** What the server tells in one answer. */
export const mostFields = 10;

/** Of the fields that every item may have, so many; the rest are keys of attributes. */
const named = 5;

/** Values that a person can look through. */
const few = 200;

/** The fields that say most of items: the most wanted that have names for values, and the commonest keys that differ. */
export function defaultFields(grammar: Grammar, keys: readonly AttributeKey[]): readonly string[] {
  const own = grammar.fields
    .filter(({ prefix, kind }) => !prefix && (kind === 'text' || kind === 'enum'))
    .slice(0, named);
  const attributes = keys
    .filter(({ field, distinct }) => field.startsWith('attributes.') && distinct > 1 && distinct <= few)
    .toSorted((a, b) => b.items - a.items)
    .slice(0, mostFields - own.length);
  return [...own.map(({ name }) => name), ...attributes.map(({ field }) => field)];
}

/** All that may stand there, those that do first. */
export function choices(grammar: Grammar, keys: readonly AttributeKey[], shown: readonly string[]): readonly string[] {
  const grouped = grammar.fields.filter(
    ({ prefix, kind }) => !prefix && (kind === 'text' || kind === 'enum' || kind === 'boolean' || kind === 'attribute'),
  );
  return [...new Set([...shown, ...grouped.map(({ name }) => name), ...keys.map(({ field }) => field)])];
}

/** Whether a facet that nobody chose says anything. */
export const isShown = ({ values }: Facet): boolean => values.length > 0;
