import { describe, expect, it } from 'vitest';
import { completing } from './complete';
import { example } from './example';
import { grammarOf } from './grammar';

const traces = grammarOf(example, 'traces');
const logs = grammarOf(example, 'logs');

/** The text with the cursor at the bar. */
function at(marked: string, grammar = traces) {
  const caret = marked.indexOf('|');
  return completing(marked.replace('|', ''), caret, grammar);
}

describe('at the cursor', () => {
  it.each([
    ['|', 'condition', ''],
    ['ser|', 'condition', 'ser'],
    ['service |', 'operator', ''],
    ['service i|', 'operator', 'i'],
    ['service=|', 'value', ''],
    ['service=ca|', 'value', 'ca'],
    ['service = ca|', 'value', 'ca'],
    ['service = "pay m|', 'value', 'pay m'],
    ['kind in (server, cl|', 'value', 'cl'],
    ['service = cart |', 'join', ''],
    ['service = cart an|', 'join', 'an'],
    ['service = cart and |', 'condition', ''],
    ['service = cart and (ki|', 'condition', 'ki'],
    ['not ki|', 'condition', 'ki'],
    ['anywhere(|', 'condition', ''],
  ])('%s comes a %s that begins with %j', (text, what, typed) => {
    expect(at(text)).toMatchObject({ expected: { what }, typed });
  });

  it('of a field comes what is compared with it', () => {
    expect(at('kind = server and service = c|')?.expected).toMatchObject({ key: 'service', operator: { name: 'eq' } });
  });

  it('replaces all of the word or the quotes that it stands in', () => {
    expect(at('service = ca|rt and kind = server')).toMatchObject({ from: 10, to: 14 });
    expect(at('service = "ca|rt x" and kind = server')).toMatchObject({ from: 10, to: 18 });
    expect(at('service=ca|rt')).toMatchObject({ from: 8, to: 12 });
  });

  it('comes nothing after what cannot be read', () => {
    expect(at('service == a and ki|')).toBeUndefined();
  });

  it('a word of bodies may be a key', () => {
    expect(at('http.route |', logs)).toMatchObject({ expected: { what: 'operator', key: 'http.route' } });
    expect(at('timeout |', logs)).toMatchObject({ expected: { what: 'join' } });
  });
});
