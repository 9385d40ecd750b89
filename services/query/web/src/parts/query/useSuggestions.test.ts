import { expect, it } from 'vitest';
import { example } from '../../filter/example';
import { grammarOf } from '../../filter/grammar';
import { readQuery } from '../../filter/query';
import { isAboutAny } from './useSuggestions';

it('leaves out what asks for the one value of a key, however many conditions that is', () => {
  const grammar = grammarOf(example, 'traces');
  const names = ['attributes.code', 'resource.code'];
  const about = (text: string) => {
    const query = readQuery(text, grammar);
    return query.ok && query.filters.every((filter) => isAboutAny(filter, names));
  };
  expect(about('code = 200')).toBe(true);
  expect(about('not attributes.code = 5')).toBe(true);
  expect(about('code = 200 or service = cart')).toBe(false);
  expect(about('anywhere(code = 200)')).toBe(false);
});
