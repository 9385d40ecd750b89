// What a query looks for in bodies, to be seen in them.

import type { Filter } from '../api/endpoints';

/** Of an expression that repeats more, a browser may take for ever over one line. */
const mostRepeats = 1;

/** Characters of a text that are looked through: an expression with a repeat may look at all of them from each. */
const mostLooked = 5_000;

/** Pieces of a text that are marked; what is beyond stays as it is. */
const mostMarks = 200;

/**
 * Finds in a body what the filters ask for in it; undefined where they ask for nothing that can be shown. What must not be there
 * is not looked for.
 */
export function marksOf(filters: readonly Filter[]): RegExp | undefined {
  const found = [...new Set(filters.flatMap(sought))];
  if (found.length === 0) return undefined;
  // Each has the case of its letters by itself: as written, or any.
  return new RegExp(found.join('|'), 'gu');
}

function sought(filter: Filter): string[] {
  if ('and' in filter) return filter.and.flatMap(sought);
  if ('or' in filter) return filter.or.flatMap(sought);
  if (!('field' in filter)) return [];
  const { field, operator, value } = filter;
  if (field !== 'body' || typeof value !== 'string' || value === '') return [];
  if (operator === 'contains' || operator === 'eq') return [escaped(value)];
  if (operator === 'words') return inOrder(value);
  return operator === 'regex' ? expression(value) : [];
}

/** What is a part of a word, as the server divides texts. */
const wordly = String.raw`[\w\u0080-\u{10ffff}]`;

/** Whole words one after the other, whatever stands between them and whatever the case of A to Z. */
function inOrder(text: string): string[] {
  const words = text.match(new RegExp(`${wordly}+`, 'gu')) ?? [];
  if (words.length === 0) return [];
  const folded = words.map((word) => word.replace(/[a-z]/gi, (c) => `[${c.toLowerCase()}${c.toUpperCase()}]`));
  return [`(?<!${wordly})${folded.join(`(?:(?!${wordly})[\\s\\S])+`)}(?!${wordly})`];
}

/** An expression of the server's, RE2, where it means the same here and is quick. */
function expression(text: string): string[] {
  const folded = text.startsWith('(?i)');
  const rest = folded ? text.slice(4) : text;
  // Groups can hold what the other kind does not know, and can nest repeats.
  const bare = rest.replace(/\\[^A-Za-z0-9]/g, '_');
  if (/[()[\]]|\\/.test(bare) || (bare.match(/[*+{?]/g) ?? []).length > mostRepeats) return [];
  const written = folded ? anyCase(rest) : rest;
  try {
    new RegExp(written, 'gu');
    return [written];
  } catch {
    return [];
  }
}

/** Each letter as either of its cases: one expression holds parts that tell them apart and parts that do not. */
const anyCase = (text: string): string =>
  text.replace(/\\.|\p{L}/gu, (part) => {
    if (part.startsWith('\\')) return part;
    const cases = new Set([part, part.toLowerCase(), part.toUpperCase()]);
    const single = [...cases].filter((one) => [...one].length === 1);
    return single.length < 2 ? part : `[${single.join('')}]`;
  });

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** A text in pieces, each of which is marked or not. */
export function markedPieces(text: string, marks: RegExp): { text: string; marked: boolean }[] {
  const pieces: { text: string; marked: boolean }[] = [];
  let from = 0;
  for (const match of text.slice(0, mostLooked).matchAll(marks)) {
    if (match[0] === '') continue;
    if (pieces.length >= 2 * mostMarks) break;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), marked: false });
    pieces.push({ text: match[0], marked: true });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), marked: false });
  return pieces;
}
