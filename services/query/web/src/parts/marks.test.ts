import { describe, expect, it } from 'vitest';
import type { Filter } from '../api/endpoints';
import { markedPieces, marksOf } from './marks';

const body = (operator: 'contains' | 'regex' | 'words' | 'eq' | 'ne', value: string): Filter => ({
  field: 'body',
  operator,
  value,
});

const marked = (text: string, ...filters: Filter[]): string[] => {
  const marks = marksOf(filters);
  return marks === undefined
    ? []
    : markedPieces(text, marks)
        .filter((piece) => piece.marked)
        .map((piece) => piece.text);
};

describe('what a query looks for in bodies', () => {
  it('is marked as it was asked for, each with its own case', () => {
    expect(marked('Card declined: CARD', body('contains', 'card'))).toEqual([]);
    expect(marked('Card declined: CARD', body('regex', '(?i)card'))).toEqual(['Card', 'CARD']);
    expect(marked('a.b aXb A.B', body('regex', String.raw`(?i)a\.b`), body('contains', 'aX'))).toEqual([
      'a.b',
      'aX',
      'A.B',
    ]);
    expect(marked('ÄÖ äö', body('regex', '(?i)äö'))).toEqual(['ÄÖ', 'äö']);
    expect(marked('x (y) [z]', body('contains', '(y) ['))).toEqual(['(y) [']);
  });

  it('is whole words, with whatever stands between them', () => {
    expect(marked('Timeouts: a TIMEOUT, time_out', body('words', 'timeout'))).toEqual(['TIMEOUT']);
    expect(marked('card -- Declined, carddeclined', body('words', 'Card declined'))).toEqual(['card -- Declined']);
    expect(marked('Ä ä', body('words', 'ä'))).toEqual(['ä']);
    expect(marked('a', body('words', '--'))).toEqual([]);
  });

  it('is looked for within groups, but not where it must not be, nor in other fields', () => {
    expect(marked('a b', { or: [body('contains', 'a'), { and: [body('contains', 'b')] }] })).toEqual(['a', 'b']);
    expect(marked('a b', { not: [body('contains', 'a')] }, body('ne', 'b'))).toEqual([]);
    expect(marked('a', { field: 'attributes.x', operator: 'contains', value: 'a' })).toEqual([]);
  });

  it('leaves out expressions that mean something else here, or may take for ever', () => {
    expect(marked('took 12ms', body('regex', '1.ms'))).toEqual(['12ms']);
    for (const expression of ['(a+)+$', '[[:alpha:]]+', '\\pL', 'a*b*c*d*', '(?s).', 'a{2']) {
      expect(marksOf([body('regex', expression)]), expression).toBeUndefined();
    }
  });

  it('gives the whole text back, in pieces', () => {
    const text = 'xx abab yy ab';
    const pieces = markedPieces(text, marksOf([body('contains', 'ab')])!);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces.filter((piece) => piece.marked)).toHaveLength(3);
    expect(markedPieces('a'.repeat(5_000), marksOf([body('contains', 'a')])!).length).toBeLessThan(500);
    expect(markedPieces('', /a/gu)).toEqual([]);
  });
});

it('leaves expressions that repeat twice alone, and looks through the beginning of a long text', () => {
  expect(marksOf([body('regex', 'e.*e.*Z')])).toBeUndefined();
  const marks = marksOf([body('regex', 'e.*Z')])!;
  const text = 'e'.repeat(1_000_000);
  expect(markedPieces(text, marks)).toEqual([{ text, marked: false }]);
  expect(marked('error\nfailed', body('words', 'error failed'))).toEqual(['error\nfailed']);
});
