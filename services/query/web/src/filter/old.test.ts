import { describe, expect, it } from 'vitest';
import { example } from './example';
import { grammarOf } from './grammar';
import { oldCondition, queryOf, withQuery } from './old';
import { readQuery } from './query';

describe('an address of before', () => {
  it('is a query', () => {
    expect(
      queryOf(
        { service: 'cart', operation: 'GET /x', min: '40', max: '2m 30s', errors: '1', where: ['a=1'] },
        'traces',
      ),
    ).toBe(
      'service = cart and a = 1 and name = "GET /x" and duration >= 40ms and duration <= 2m30s and status = error',
    );
    expect(queryOf({ severity: 'error', body: 'a "b"', trace: 'AB', span: 'cd' }, 'logs')).toBe(
      String.raw`severity >= error and "a \"b\"" and trace_id = ab and span_id = cd`,
    );
    expect(queryOf({ severity: 'loud', errors: '2' }, 'logs')).toBeUndefined();
    expect(queryOf({ q: 'a = 1 or b = 2', service: 'cart' }, 'traces')).toBe('(a = 1 or b = 2) and service = cart');
  });

  it('loses what became of the query, and nothing else', () => {
    expect(withQuery({ range: '6h', errors: '1', q: 'a = 1' }, 'traces')).toEqual({
      range: '6h',
      q: '(a = 1) and status = error',
    });
    const read = withQuery({ errors: '1', q: queryOf({ errors: '1', q: 'a = 1' }, 'traces') }, 'traces');
    expect(read).toEqual({ q: '(a = 1) and status = error' });
    const today = { q: 'a = 1', sort: 'duration' };
    expect(withQuery(today, 'traces')).toBe(today);
  });
});

describe('a condition of before', () => {
  it.each([
    ['http.route=/cart', 'http.route = /cart'],
    ['user!=ada lovelace', 'user != "ada lovelace"'],
    ['a="x y"', 'a = "x y"'],
    ['a="200"', 'a = "200"'],
    ['a=200', 'a = 200'],
    ['a=', 'a = ""'],
    ['feature.flag', 'feature.flag exists'],
    ['!feature.flag', 'feature.flag not exists'],
    ['a exists false', 'a not exists'],
    ['duration>=250', 'duration >= 250ns'],
    ['duration at least 1.5s', 'duration at least 1.5s'],
    ['kind is one of server, client', 'kind is one of (server, client)'],
    ['a is none of 1, "2", "x, y"', 'a is none of (1, "2", "x, y")'],
    ['attributes.a~(?i)timeout', 'attributes.a ~ "(?i)timeout"'],
    ['a:b=c', 'a : b=c'],
  ])('%s is %s', (before, now) => {
    expect(oldCondition(before)).toBe(now);
    expect(readQuery(now, grammarOf(example, 'traces')).ok).toBe(true);
  });

  it('is refused still where it was no condition', () => {
    expect(readQuery(oldCondition('a b'), grammarOf(example, 'traces')).ok).toBe(false);
  });
});
