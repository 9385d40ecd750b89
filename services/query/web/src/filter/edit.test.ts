import { describe, expect, it } from 'vitest';
import { exclude, include, isCut, isPrefix, narrow, only, standing } from './edit';
import { example } from './example';
import { grammarOf } from './grammar';

const grammar = grammarOf(example, 'traces');
const cart = { field: 'service', value: 'cart' };
const pay = { field: 'service', value: 'pay me' };
const code = { field: 'attributes.code', value: 200n };

describe('a value that somebody points at', () => {
  it('is all that is asked for', () => {
    expect(only(cart, grammar)).toBe('service = cart');
    expect(only(pay, grammar)).toBe('service = "pay me"');
    expect(only(code, grammar)).toBe('attributes.code = 200');
    expect(only({ field: 'attributes.code', value: '200' }, grammar)).toBe('attributes.code = "200"');
    expect(only({ field: 'attributes.__proto__', value: 'x' }, grammar)).toBe('attributes.__proto__ = x');
  });

  it('is asked for as well, beside others of its field', () => {
    expect(include('', cart, grammar)).toBe('service = cart');
    expect(include('kind = server', cart, grammar)).toBe('kind = server and service = cart');
    expect(include('service = cart and kind = server', pay, grammar)).toBe(
      'service in (cart, "pay me") and kind = server',
    );
    expect(include('service = a or kind = server', cart, grammar)).toBe(
      '(service = a or kind = server) and service = cart',
    );
  });

  it('is no longer, when it is pointed at again', () => {
    expect(include('service in (cart, "pay me") and kind = server', cart, grammar)).toBe(
      'service = "pay me" and kind = server',
    );
    expect(include('service = cart', cart, grammar)).toBe('');
    expect(include('code = 200', code, grammar)).toBe('');
  });

  it('is left out, and no longer asked for', () => {
    expect(exclude('', cart, grammar)).toBe('service != cart');
    expect(exclude('service = cart', cart, grammar)).toBe('service != cart');
    expect(exclude('service != cart', pay, grammar)).toBe('service not in (cart, "pay me")');
    expect(exclude('service != cart', cart, grammar)).toBe('');
    expect(include('service not in (cart, pay)', cart, grammar)).toBe('service != pay and service = cart');
  });

  it('is known to be asked for or left out', () => {
    expect(standing('service in (cart, pay)', cart, grammar)).toBe('in');
    expect(standing('kind = server and service != cart', cart, grammar)).toBe('out');
    expect(standing('service = cart or kind = server', cart, grammar)).toBeUndefined();
    expect(standing('service = ', cart, grammar)).toBeUndefined();
  });

  it('is asked for with its type where its digits would mean another', () => {
    const double = (value: number) => only({ field: 'attributes.x', value: { type: 'double', value } }, grammar);
    expect(double(1.5)).toBe('attributes.x = 1.5');
    expect(double(1e20)).toBe('attributes.x = double(100000000000000000000)');
    expect(double(2 ** 53 + 2)).toBe('attributes.x = double(9007199254740994)');
    expect(double(NaN)).toBe('attributes.x = double(NaN)');
    expect(double(-Infinity)).toBe('attributes.x = double(-Infinity)');
  });

  it('takes the place of the other where its field has one at a time', () => {
    expect(include('root = true and kind = server', { field: 'root', value: false }, grammar)).toBe(
      'root = false and kind = server',
    );
    expect(exclude('root != true', { field: 'root', value: false }, grammar)).toBe('root != false');
  });

  it('cannot be asked for where it is told cut, or has no key', () => {
    expect(isCut('attributes.x', 'ä'.repeat(251))).toBe(true);
    expect(isCut('attributes.x', 'a'.repeat(500))).toBe(false);
    expect(isCut('service', 'a'.repeat(600))).toBe(false);
    expect(['attributes.', 'attributes.a', 'attributes.a.', 'service'].map(isPrefix)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('stands alone where the query cannot be read', () => {
    expect(include('service = ', cart, grammar)).toBe('service = cart');
  });
});

it('narrows a query by a filter once', () => {
  const slow = { field: 'duration', operator: 'gte', value: 1e9 } as const;
  expect(narrow('kind = server', slow, grammar)).toBe('kind = server and duration >= 1s');
  expect(narrow('kind = server and duration >= 1s', slow, grammar)).toBe('kind = server and duration >= 1s');
});
