// What may be typed as a condition on a signal's items. Made of the fields and operators that the server serves: a new one
// of either is understood, explained and refused with the right words without a change here.

import type { FieldCatalogue, FilterField, FilterOperator, Operator, Signal } from '../api/model';

/** What an operator asks of a value: to be it, to stand before or after it, or something of its text. */
export type Question = 'equality' | 'order' | 'text';

export interface Grammar {
  /** Those of the signal. */
  fields: readonly FilterField[];
  operators: readonly FilterOperator[];
  /** Every way to write an operator, the longest first: symbols anywhere, words between spaces and in lower case. */
  symbols: readonly Spelling[];
  words: readonly Spelling[];
  /** The characters that symbols begin with: a key ends at each of them. */
  signs: string;
  question: (operator: FilterOperator) => Question;
}

export interface Spelling {
  text: string;
  operator: FilterOperator;
}

export function grammarOf(catalogue: FieldCatalogue, signal: Signal): Grammar {
  const { operators } = catalogue;
  const symbols = operators.flatMap((operator): Spelling[] =>
    operator.symbol === '' ? [] : [{ text: operator.symbol, operator }],
  );
  const words = operators.flatMap((operator): Spelling[] => [
    { text: operator.label.toLowerCase(), operator },
    { text: operator.name.toLowerCase(), operator },
  ]);
  const longestFirst = (a: Spelling, b: Spelling) => b.text.length - a.text.length;
  const questions = new Map(operators.map(({ name }) => [name, questionOf(catalogue, name)]));
  return {
    fields: catalogue.fields.filter((field) => field.signals.includes(signal)),
    operators,
    symbols: symbols.toSorted(longestFirst),
    words: words.toSorted(longestFirst),
    signs: [...new Set(symbols.map(({ text }) => text.charAt(0)))].join(''),
    question: ({ name }) => questions.get(name) ?? 'text',
  };
}

/**
 * What an operator asks is told by the kinds of fields that take it. Ids have no order and no parts: what they take asks
 * for equality. Lengths of time have an order but no parts. All else asks something of a text.
 */
function questionOf({ fields }: FieldCatalogue, operator: Operator): Question {
  const takes = (kind: FilterField['kind']) => fields.some((f) => f.kind === kind && f.operators.includes(operator));
  return takes('id') ? 'equality' : takes('duration') ? 'order' : 'text';
}

/** The field of a name: the first that has it or begins it, as the server finds it. */
export function fieldNamed({ fields }: Grammar, name: string): FilterField | undefined {
  return fields.find((field) =>
    field.prefix ? name.startsWith(field.name) && name.length > field.name.length : field.name === name,
  );
}

/** The operators of a field, as they may be written: "=, !=, is one of". */
export const spellings = ({ operators }: Grammar, of: FilterField | undefined): string =>
  operators
    .filter(({ name }) => of === undefined || of.operators.includes(name))
    .map(({ symbol, label }) => (symbol === '' ? label : symbol))
    .join(', ');
