// What to offer at the cursor of a query, of what is known: the text that each would put there, and what is said of it.

import type { CountedValue } from '../../api/model';
import type { Completing } from '../../filter/complete';
import { bareKey, readsAsText, relationName, spelling, targetsOf, type Grammar } from '../../filter/grammar';
import { isCut } from '../../filter/edit';
import { printKey, quoteValue } from '../../filter/print';
import { formatCount } from '../number';
import { valueText } from '../value';

export interface Suggestion {
  /** What it puts in the place of what is typed. */
  text: string;
  label: string;
  note: string;
}

export interface KnownKey {
  key: string;
  field: string;
  items: number;
}

/** How many are offered at most. */
const most = 12;

/** Fields, keys, relations and "not" that begin with or contain what is typed, the likeliest first. */
export function keySuggestions(typed: string, keys: readonly KnownKey[], grammar: Grammar, count = most): Suggestion[] {
  const named = grammar.fields
    .filter(({ prefix }) => !prefix)
    .map(({ name, kind }) => ({ name, text: `${printKey(name, grammar)} `, note: kind }));
  const bare = new Set(keys.filter(({ field }) => field.startsWith('attributes.')).map(({ key }) => key));
  const attributes = keys.map(({ key, field, items }) => {
    // The shortest name that means no other key.
    const ambiguous = bareKey(field, grammar) === undefined || (bare.has(key) && !field.startsWith('attributes.'));
    // Of logs a key without a dot takes not every operator, since it may be a word.
    const name = ambiguous || readsAsText(key, grammar) ? field : key;
    return { name, text: `${printKey(name, grammar)} `, note: formatCount(items) };
  });
  const others = [
    ...grammar.relations.map(({ name, description }) => ({
      name: relationName(name),
      text: `${relationName(name)}(`,
      note: description,
    })),
    { name: 'not', text: 'not ', note: 'what does not' },
  ];
  return ranked(typed, [...named, ...attributes, ...others], typed === '' ? Math.max(count, named.length + 4) : count);
}

/** The operators that the field of a key takes. */
export function operatorSuggestions(key: string, typed: string, grammar: Grammar): Suggestion[] {
  const [target] = targetsOf(key, grammar);
  if (target === undefined) return [];
  const all = grammar.operators
    .filter(({ name }) => target.field.operators.includes(name))
    .map((operator) => ({
      name: spelling(operator),
      text: `${spelling(operator)} ${operator.operand === 'list' ? '(' : ''}`,
      note: operator.symbol === '' ? '' : operator.label,
    }));
  return ranked(typed, all, all.length);
}

/** Values with how many items have each; of an enum its names. */
export function valueSuggestions(
  { typed }: Pick<Completing, 'typed'>,
  field: string,
  values: readonly CountedValue[],
  grammar: Grammar,
): Suggestion[] {
  const seen = new Set<string>();
  const all = values.flatMap(({ value, count }) => {
    if (value.type === 'string' && isCut(field, value.value)) return [];
    const name = valueText(value);
    const text = `${quoteValue(value, grammar)} `;
    if (value.type === 'array' || value.type === 'map' || value.type === 'empty' || seen.has(text)) return [];
    seen.add(text);
    return [{ name, text, note: count < 0 ? '' : formatCount(count) }];
  });
  return ranked(typed, all, most);
}

export const joinSuggestions = (typed: string): Suggestion[] =>
  ranked(
    typed,
    [
      { name: 'and', text: 'and ', note: 'both must hold' },
      { name: 'or', text: 'or ', note: 'one must hold' },
    ],
    2,
  );

interface Named {
  name: string;
  text: string;
  note: string;
}

function ranked(typed: string, all: readonly Named[], count: number): Suggestion[] {
  const needle = typed.toLowerCase();
  const rank = ({ name }: Named) => {
    const at = name.toLowerCase().indexOf(needle);
    return at < 0 ? 3 : at === 0 ? 0 : /[^a-z0-9]/i.test(name.charAt(at - 1)) ? 1 : 2;
  };
  return all
    .map((one) => ({ one, rank: rank(one) }))
    .filter(({ rank }) => rank < 3)
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ one: { name, text, note } }) => ({ label: name, text, note }));
}

/** The text with a suggestion in the place of what is typed, and where the cursor stands then. */
export function completed(
  text: string,
  { from, to }: Completing,
  suggestion: Suggestion,
): { text: string; caret: number } {
  const rest = text.slice(to).trimStart();
  return { text: text.slice(0, from) + suggestion.text + rest, caret: from + suggestion.text.length };
}
