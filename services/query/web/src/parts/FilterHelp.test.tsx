import { expect, it } from 'vitest';
import { example } from '../filter/example';
import { grammarOf } from '../filter/grammar';
import { HelpText } from './FilterHelp';
import { rendered } from './rendered';

it('explains every operator and every field that is served, in its words', () => {
  const grammar = grammarOf(example, 'logs');
  const text = rendered(<HelpText grammar={grammar} />).replace(/<[^>]*>/g, ' ');
  for (const { description } of [...grammar.operators, ...grammar.fields]) expect(text).toContain(description);
  expect(text).toContain('key &gt;= value');
  expect(text).toContain('key is one of (a, b)');
  expect(text).toContain('attributes.&lt;key&gt;');
  expect(text).not.toContain('What root is.');
});
