import { expect, it } from 'vitest';
import { rendered, texts } from './rendered';
import { LongText, Text } from './Text';

it('a text of the data is isolated, and says so where there is nothing to see', () => {
  expect(rendered(<Text of="עגלה" />)).toBe('<bdi>עגלה</bdi>');
  expect(rendered(<Text of={'<script>\u202e'} />)).toBe('<bdi>&lt;script&gt;[U+202E]</bdi>');
  expect(texts(rendered(<Text of="" empty="no name" />))).toEqual(['no name']);
  expect(texts(rendered(<Text of="  " />))).toEqual(['blank']);
  expect(texts(rendered(<Text of={'x'.repeat(10_000)} />))[0]).toHaveLength(300);
});

it('a long text shows its beginning and opens', () => {
  expect(texts(rendered(<LongText of="short" lines={3} />))).toEqual(['short']);
  const [shown, button] = texts(rendered(<LongText of={'x'.repeat(10_000)} lines={3} />));
  expect(shown).toHaveLength(600);
  expect(button).toBe('Show all 10,000 characters');
});
