import { describe, expect, it } from 'vitest';
import { isLong, isolated, shownText } from './shown';

describe('a text of the data', () => {
  it('is shown as it is where nothing of it hides', () => {
    for (const text of ['', 'cart', 'tabs\tand\nlines', '👩‍👩‍👧 ok', 'שלום', '__proto__', '<b>&amp;</b>', 'می‌خواهم']) {
      expect(shownText(text)).toBe(text);
    }
  });

  it('shows what would hide, and what would turn its neighbours around', () => {
    expect(shownText('a\0b\u001bc\u007f')).toBe('a␀b␛c␡');
    expect(shownText('evil\u202egpj.exe')).toBe('evil[U+202E]gpj.exe');
    expect(shownText('\u0085x\u200b\u2066y\ufeff\u2028')).toBe('[U+0085]x[U+200B][U+2066]y[U+FEFF][U+2028]');
  });

  it('ends where its place does, between characters', () => {
    expect(shownText('abcdef', 6)).toBe('abcdef');
    expect(shownText('abcdefg', 6)).toBe('abcde…');
    expect(shownText('ab👍👍👍', 4)).toBe('ab…');
    expect(shownText('ab👍👍👍', 5)).toBe('ab👍…');
    expect(shownText('a\0b\0c\0d', 4)).toBe('a␀b…');
    expect(shownText('x'.repeat(10_000), 300)).toHaveLength(300);
  });

  it('keeps its direction to itself where no element does', () => {
    expect(isolated('שלום', 10)).toBe('\u2068שלום\u2069');
  });

  it('is long where it is wide, and where it is tall', () => {
    expect(isLong('x'.repeat(300), 3)).toBe(false);
    expect(isLong('x'.repeat(301), 3)).toBe(true);
    expect(isLong('a\nb\nc', 3)).toBe(false);
    expect(isLong('a\nb\nc\nd', 3)).toBe(true);
  });
});
