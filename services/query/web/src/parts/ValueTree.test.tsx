import { expect, it } from 'vitest';
import type { Value } from '../api/model';
import { rendered, texts } from './rendered';
import { ValueTree } from './ValueTree';

const text = (value: string): Value => ({ type: 'string', value });

it('shows what a body has, and folds what lies deeper', () => {
  const value: Value = {
    type: 'map',
    entries: [
      { key: '__proto__', value: { type: 'map', entries: [{ key: 'deep', value: text('hidden') }] } },
      { key: 'n', value: { type: 'int', value: 9007199254740993n } },
      { key: 'list', value: { type: 'array', items: Array.from({ length: 3 }, () => text('x')) } },
      { key: 'none', value: { type: 'empty' } },
    ],
  };
  const markup = rendered(<ValueTree value={value} />);
  expect(markup.match(/aria-expanded="false"/g)).toHaveLength(2);
  expect(markup).toContain('aria-label="__proto__: 1 members"');
  expect(texts(markup)).toContain('9007199254740993');
  expect(markup.match(/<li>/g)).toHaveLength(4);
});

it('shows the first of very many, and marks what is looked for', () => {
  const value: Value = { type: 'array', items: Array.from({ length: 1_000 }, (_, i) => text(`needle ${i}`)) };
  const markup = rendered(<ValueTree value={value} marks={/needle/gu} />);
  expect(markup.match(/<mark/g)).toHaveLength(100);
  expect(markup).toContain('900 more');
});
