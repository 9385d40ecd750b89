import { describe, expect, it } from 'vitest';
import { draftOf, emptyRow, group, textOfDraft } from './draft';
import { example } from './example';
import { grammarOf } from './grammar';
import { filterKey } from './print';
import { readQuery } from './query';

const traces = grammarOf(example, 'traces');
const logs = grammarOf(example, 'logs');

describe('rows and groups', () => {
  it.each([
    ['service = cart and not kind = server', traces],
    ['service = cart or (kind = server and attributes.a not in (1, "x, y"))', traces],
    ['not (service = a or service = b) and parent(service = c)', traces],
    ['not parent(service = c or service = d)', traces],
    ['not not service = c', traces],
    ['user not exists and code = int(5)', traces],
    ['timeout "Card declined" and service = pay', logs],
  ])('stand for the query %s', (text, grammar) => {
    const before = readQuery(text, grammar);
    if (!before.ok) throw new Error(before.problem.message);
    const after = readQuery(textOfDraft(draftOf(before.tree, grammar), grammar), grammar);
    expect(after.ok && filterKey(after.filters)).toBe(filterKey(before.filters));
  });

  it('put a value into quotes that needs them, and write no row without a field', () => {
    const row = emptyRow(traces);
    const text = textOfDraft(
      group([
        row,
        { ...row, key: 'service', value: 'pay me' },
        { ...row, key: 'a b', value: '"q"' },
        { ...row, key: 'kind', operator: 'in', value: 'server, client' },
        group([row]),
      ]),
      traces,
    );
    expect(text).toBe('service = "pay me" and "a b" = "q" and kind in (server, client)');
  });
});
