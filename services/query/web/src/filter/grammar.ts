// What may be typed as a condition on a signal's items. Made of the fields and operators that the server serves: a new one
// of either is understood, explained and refused with the right words without a change here.

import type {
  FieldCatalogue,
  FilterField,
  FilterOperator,
  FilterRelation,
  Operator,
  Relation,
  Signal,
} from '../api/model';

/** What an operator asks of a value: to be it, to stand before or after it, or something of its text. */
export type Question = 'equality' | 'order' | 'text';

export interface Grammar {
  signal: Signal;
  /** Those of the signal. */
  fields: readonly FilterField[];
  operators: readonly FilterOperator[];
  /** To other spans of a trace; none where items are not spans. */
  relations: readonly FilterRelation[];
  /** The field in which words are looked for that stand by themselves; undefined where there is none. */
  words: FilterField | undefined;
  /** Every way to write an operator, the longest first: symbols anywhere, phrases between spaces and in lower case. */
  symbols: readonly Spelling[];
  phrases: readonly Phrase[];
  /** The characters that no key has without quotes. */
  keyEnd: RegExp;
  /** The characters that symbols begin with: a key ends at each of them. */
  signs: string;
  question: (operator: FilterOperator) => Question;
}

export interface Spelling {
  text: string;
  operator: FilterOperator;
}

export interface Phrase extends Spelling {
  /** Finds it at the place where a search begins, in any case and with any blanks between its words. */
  pattern: RegExp;
}

/** Text for an expression that means it as it is. */
const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|-]/g, '\\$&');

/** What ends a word. */
const wordEnd = `(?![^\\s()"',&|])`;

export function grammarOf(catalogue: FieldCatalogue, signal: Signal): Grammar {
  const { operators } = catalogue;
  const symbols = operators.flatMap((operator): Spelling[] =>
    operator.symbol === '' ? [] : [{ text: operator.symbol, operator }],
  );
  const phrases = operators.flatMap((operator): Spelling[] => [
    { text: operator.label.toLowerCase(), operator },
    { text: operator.name.toLowerCase(), operator },
    { text: operator.name.toLowerCase().replaceAll('_', ' '), operator },
  ]);
  const longestFirst = (a: Spelling, b: Spelling) => b.text.length - a.text.length;
  const questions = new Map(operators.map(({ name }) => [name, questionOf(catalogue, name)]));
  const signs = [...new Set(symbols.map(({ text }) => text.charAt(0)))].join('');
  const fields = catalogue.fields.filter((field) => field.signals.includes(signal));
  return {
    signal,
    fields,
    operators,
    relations: signal === 'traces' ? catalogue.relations : [],
    words: fields.find((field) => field.kind === 'body' && !field.prefix),
    symbols: symbols.toSorted(longestFirst),
    phrases: phrases.toSorted(longestFirst).map((phrase) => ({
      ...phrase,
      pattern: new RegExp(`${phrase.text.split(' ').map(literally).join('\\s+')}${wordEnd}`, 'iy'),
    })),
    signs,
    keyEnd: new RegExp(`[\\s()",&|!${[...signs].map(literally).join('')}]`),
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

/** Where a bare key is looked for: who types it seldom knows which of the two has it. */
const bare = ['attributes.', 'resource.'] as const;

/** A field that a key means. */
export interface Target {
  /** As it travels. */
  name: string;
  field: FilterField;
}

/** The fields that a key as typed means: that of its name, else the attribute of the item and that of its resource. */
export function targetsOf(key: string, grammar: Grammar): Target[] {
  const field = fieldNamed(grammar, key);
  if (field !== undefined) return [{ name: key, field }];
  return bare.flatMap((prefix) => {
    const under = fieldNamed(grammar, prefix + key);
    return under === undefined ? [] : [{ name: prefix + key, field: under }];
  });
}

/** The bare key of a field of which one may be meant. */
export function bareKey(name: string, grammar: Grammar): string | undefined {
  const prefix = bare.find((p) => name.startsWith(p));
  const key = prefix === undefined ? '' : name.slice(prefix.length);
  return key === '' || fieldNamed(grammar, key) !== undefined ? undefined : key;
}

/**
 * Whether a key before a colon or a word is likelier a part of a text: "Error: timeout", "disk is full". Where words of bodies
 * are looked for, such a key must be in quotes or say where it is, since an attribute "disk" would be sought in silence.
 */
export const readsAsText = (key: string, grammar: Grammar): boolean =>
  grammar.words !== undefined && !key.includes('.') && fieldNamed(grammar, key) === undefined;

/** How an operator is written: by its symbol, or by its name in words. */
export const spelling = ({ symbol, name }: FilterOperator): string =>
  symbol === '' ? name.replaceAll('_', ' ') : symbol;

/** What a relation is called in a query. "trace" would say nothing of where in it. */
export const relationName = (relation: Relation): string => (relation === 'trace' ? 'anywhere' : relation);

export const relationNamed = (grammar: Grammar, text: string): FilterRelation | undefined =>
  grammar.relations.find(({ name }) => name === text || relationName(name) === text);
