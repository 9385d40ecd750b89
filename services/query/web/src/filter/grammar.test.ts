import { describe, expect, it } from 'vitest';
import { example } from './example';
import { fieldNamed, grammarOf, spellings } from './grammar';

const grammar = grammarOf(example, 'traces');

describe('what may be typed', () => {
  it('is what the fields of the signal take', () => {
    expect(grammar.fields.map((f) => f.name)).not.toContain('event_name');
    expect(fieldNamed(grammar, 'event_name')).toBeUndefined();
    expect(fieldNamed(grammar, 'kind')?.kind).toBe('enum');
  });

  it('finds a field by its name before one that begins it, and a prefix only with a key', () => {
    expect(fieldNamed(grammar, 'scope.name')?.name).toBe('scope.name');
    expect(fieldNamed(grammar, 'scope.names')?.name).toBe('scope.');
    expect(fieldNamed(grammar, 'scope.')).toBeUndefined();
  });

  it('ends a key at every character that a symbol begins with', () => {
    expect([...grammar.signs].sort()).toEqual(['!', ':', '<', '=', '>', '^', '~']);
  });

  it.each([
    ['eq', 'equality'],
    ['not_in', 'equality'],
    ['gte', 'order'],
    ['contains', 'text'],
    ['starts_with', 'text'],
  ])('%s asks for %s, by the kinds that take it', (name, question) => {
    expect(grammar.question(example.operators.find((o) => o.name === name)!)).toBe(question);
  });

  it('is told in symbols, or in words where there is none', () => {
    expect(spellings(grammar, fieldNamed(grammar, 'trace_id'))).toBe('=, !=, is one of, is none of, exists');
    expect(spellings(grammar, undefined)).toContain('>=');
  });
});
