import { describe, expect, it } from 'vitest';
import { exclude, include, narrow, only, standing } from './edit';
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

  it('stands alone where the query cannot be read', () => {
    expect(include('service = ', cart, grammar)).toBe('service = cart');
  });
});

it('narrows a query by a filter once', () => {
  const slow = { field: 'duration', operator: 'gte', value: 1e9 } as const;
  expect(narrow('kind = server', slow, grammar)).toBe('kind = server and duration >= 1s');
  expect(narrow('kind = server and duration >= 1s', slow, grammar)).toBe('kind = server and duration >= 1s');
});
