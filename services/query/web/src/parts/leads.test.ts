import { expect, it } from 'vitest';
import { tracesOf } from './leads';

it('figures lead to the traces that they were made of', () => {
  expect(tracesOf({ service: 'cart' })).toEqual({ q: 'service = "cart"' });
  expect(tracesOf({ service: 'cart', operation: 'GET "/"', failed: true, slowest: true })).toEqual({
    q: String.raw`service = "cart" and name = "GET \"/\"" and status = error`,
    sort: '-duration',
  });
});

it('what a sender does not tell is not asked for', () => {
  const resource = [
    ['service.instance.id', '42'],
    ['host.name', ''],
  ] as const;
  expect(tracesOf({ service: 'cart', namespace: 'shop', resource })).toEqual({
    q: 'service = "cart" and namespace = "shop" and resource.service.instance.id = "42"',
  });
});
