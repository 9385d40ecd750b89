import { expect, it } from 'vitest';
import { sentBy, tracesOf } from './leads';

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

it('figures of requests lead to the spans that are requests', () => {
  expect(tracesOf({ service: 'cart', called: true, failed: true })).toEqual({
    q: 'service = "cart" and kind in (server, consumer) and status = error',
  });
});

it('logs and metrics are those of the service in its namespace', () => {
  expect(sentBy({ service: 'cart', namespace: 'shop' }, 'warn')).toEqual({
    q: 'service = "cart" and namespace = "shop" and severity >= warn',
  });
  expect(sentBy({ service: 'cart', namespace: '' })).toEqual({ q: 'service = "cart"' });
});
