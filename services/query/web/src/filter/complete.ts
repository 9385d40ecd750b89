// What may be written at the cursor of a query.

import { fieldNamed, type Grammar } from './grammar';
import { parse } from './parse';
import type { Expected } from './tree';

export interface Completing {
  expected: Expected;
  /** What is written of it already, from there to there in the text: what a completion replaces. */
  typed: string;
  from: number;
  to: number;
}

/** What is being written at a place of the text; undefined where what stands before cannot be read. */
export function completing(text: string, caret: number, grammar: Grammar): Completing | undefined {
  const head = text.slice(0, caret);
  const quote = openQuote(head);
  if (quote !== undefined) {
    const expected = after(head.slice(0, quote), grammar);
    if (expected === undefined) return undefined;
    const rest = /^(?:\\.|[^"\\])*"?/s.exec(text.slice(caret))?.[0] ?? '';
    return { expected, typed: head.slice(quote + 1), from: quote, to: caret + rest.length };
  }
  const token = /[^\s(),"]*$/.exec(head)?.[0] ?? '';
  const from = caret - token.length;
  const to = caret + (/^[^\s(),"]*/.exec(text.slice(caret))?.[0].length ?? 0);
  const expected = after(head.slice(0, from), grammar);
  if (expected === undefined || expected.what === 'value') {
    return expected === undefined ? undefined : { expected, typed: token, from, to };
  }
  // A key, its operator and its value may stand together: service=ca
  const key = expected.what === 'operator' ? '' : (new RegExp(`^[^${signs(grammar)}]*`).exec(token)?.[0] ?? '');
  const rest = token.slice(key.length);
  if (rest === '') return { expected, typed: token, from, to };
  const symbol = grammar.symbols.find((s) => rest.startsWith(s.text));
  const start = from + key.length + (symbol?.text.length ?? 0);
  const then = after(text.slice(0, symbol === undefined ? from + key.length : start), grammar);
  return then === undefined ? undefined : { expected: then, typed: text.slice(start, caret), from: start, to };
}

/** What may follow a text. */
function after(head: string, grammar: Grammar): Expected | undefined {
  const parsed = parse(head, grammar);
  if (!parsed.ok) return parsed.problem.expected;
  const { tree } = parsed;
  if (tree === undefined) return { what: 'condition' };
  const last = tree.is === 'and' || tree.is === 'or' ? tree.of.at(-1) : tree;
  // A word of bodies may yet become a key.
  if (
    last?.is === 'words' &&
    !last.quoted &&
    (last.text.includes('.') || fieldNamed(grammar, last.text) !== undefined)
  ) {
    return { what: 'operator', key: last.text };
  }
  return { what: 'join' };
}

/** Where a quote was opened that is not closed. */
function openQuote(head: string): number | undefined {
  let open: number | undefined;
  for (let i = 0; i < head.length; i++) {
    const char = head.charAt(i);
    if (char === '\\' && open !== undefined) i++;
    else if (char === '"') open = open === undefined ? i : undefined;
  }
  return open;
}

const signs = (grammar: Grammar): string => [...new Set(`${grammar.signs}!`)].map((sign) => `\\${sign}`).join('');
