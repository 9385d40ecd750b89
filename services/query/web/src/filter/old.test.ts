import { describe, expect, it } from 'vitest';
import { example } from './example';
import { grammarOf } from './grammar';
import { isOfTraces, oldCondition, queryOf, withQuery } from './old';
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

  it('has names as they are, and keys that no query has without quotes', () => {
    expect(queryOf({ service: '"cart"' }, 'traces')).toBe(String.raw`service = "\"cart\""`);
    expect(queryOf({ where: ['a(b)=1', 'and=1'] }, 'traces')).toBe('"a(b)" = 1 and "and" = 1');
    const logs = queryOf({ where: ['disk is full', 'a.b is c', 'user=ada'] }, 'logs');
    expect(logs).toBe('"disk" is full and a.b is c and user = ada');
    expect(readQuery(logs ?? '', grammarOf(example, 'logs')).ok).toBe(true);
  });

  it('is of the traces where it says anything of them', () => {
    expect(isOfTraces({ service: 'cart', range: '6h' })).toBe(true);
    expect(isOfTraces({ q: 'a = 1' })).toBe(true);
    expect(isOfTraces({ range: '6h' })).toBe(false);
  });

  it('binds to the whole of a query that ends like it', () => {
    const service = 'cart';
    const of = (q: string) => queryOf({ q, service }, 'traces');
    expect(of('a = 1 or b = 2 and service = cart')).toBe('(a = 1 or b = 2 and service = cart) and service = cart');
    expect(of('(a = 1) or (b = 2) and service = cart')).toContain('(b = 2) and service = cart) and service');
    expect(of('(a = ")" or b = 2) and service = cart')).toBe('(a = ")" or b = 2) and service = cart');
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
