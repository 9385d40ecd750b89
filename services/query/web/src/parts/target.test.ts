import { expect, it } from 'vitest';
import type { Attribute } from '../api/model';
import { target } from './target';

const attributes = (entries: Record<string, string>): Attribute[] =>
  Object.entries(entries).map(([key, value]) => ({ key, value: { type: 'string', value } }));

it('finds the path of a span that is named by its method alone', () => {
  expect(target('GET', attributes({ 'url.full': 'http://shop:8080/api/cart?x=1' }))).toBe('/api/cart');
  expect(target('POST', attributes({ 'http.route': '/cart/{id}', 'url.full': 'http://shop/cart/1' }))).toBe(
    '/cart/{id}',
  );
  expect(target('HTTP GET', attributes({ 'http.target': '/old' }))).toBe('/old');
});

it('leaves names that say it themselves, and spans that do not know', () => {
  expect(target('GET /cart', attributes({ 'url.full': 'http://shop/cart' }))).toBe('');
  expect(target('GET', [])).toBe('');
  expect(target('GET', attributes({ 'url.full': 'not an address' }))).toBe('');
});
