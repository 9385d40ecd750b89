import { describe, expect, it } from 'vitest';
import { compact, many, one, parseSearch, stringifySearch } from './search';

describe('the address', () => {
  it('comes back as it was written', () => {
    const search = { service: 'cart', where: ['http.route=/a b', 'x>5'], range: '6h' };
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it('may name any parameter, and changes nothing by it', () => {
    expect(parseSearch('?constructor=a&toString=b&toString=c')).toEqual({ constructor: 'a', toString: ['b', 'c'] });
    const search = parseSearch('?__proto__=x&__proto__=y&service=cart');
    expect(search).toEqual({ service: 'cart' });
    expect(Object.getPrototypeOf(search)).toBe(Object.prototype);
  });

  it('is readable', () => {
    expect(stringifySearch({ where: ['http.route=/cart'], from: '2026-11-23T10:00:00.000Z' })).toBe(
      '?where=http.route=/cart&from=2026-11-23T10:00:00.000Z',
    );
    expect(stringifySearch({})).toBe('');
  });

  it('keeps signs that mean something in an address', () => {
    const search = { where: ['a=1&b=2', 'c=100%', 'd=#x+y'] };
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it('survives numbers, lists and nothing where text is expected', () => {
    const search = { a: ['x', 'y'], b: '', c: 5 };
    expect(one(search, 'a')).toBe('x');
    expect(one(search, 'b')).toBeUndefined();
    expect(one(search, 'c')).toBeUndefined();
    expect(many(search, 'a')).toEqual(['x', 'y']);
    expect(many(search, 'missing')).toEqual([]);
  });

  it('has no empty members', () => {
    expect(compact({ a: '', b: undefined, c: [], d: 'x' })).toEqual({ d: 'x' });
  });
});
