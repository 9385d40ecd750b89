import { expect, it } from 'vitest';
import type { Attribute, LogRecord, Value } from '../api/model';
import { fieldOf, fieldTitle } from './logFields';

const text = (value: string): Value => ({ type: 'string', value });
const map = (...entries: Attribute[]): Value => ({ type: 'map', entries });

const record = {
  service: 'cart',
  severityText: '',
  traceId: '0af7',
  body: map({ key: 'user', value: map({ key: 'id', value: { type: 'int', value: 7n } }) }),
  attributes: [
    { key: 'user', value: map({ key: 'id', value: text('in the map') }, { key: 'a.b', value: text('dotted') }) },
    { key: 'http.route', value: text('/cart') },
    { key: '__proto__', value: text('proto') },
  ],
  resource: { attributes: [{ key: 'service.namespace', value: text('shop') }] },
  scope: { name: 'lib', version: '', attributes: [] },
} as unknown as LogRecord;

it('finds what a record has of a field, by keys with dots and by ways into maps', () => {
  expect(fieldOf(record, 'service')).toEqual(text('cart'));
  expect(fieldOf(record, 'namespace')).toEqual(text('shop'));
  expect(fieldOf(record, 'attributes.http.route')).toEqual(text('/cart'));
  expect(fieldOf(record, 'attributes.user.id')).toEqual(text('in the map'));
  expect(fieldOf(record, 'attributes.user.a.b')).toEqual(text('dotted'));
  expect(fieldOf(record, 'attributes.__proto__')).toEqual(text('proto'));
  expect(fieldOf(record, 'body.user.id')).toEqual({ type: 'int', value: 7n });
  expect(fieldOf(record, 'scope.name')).toEqual(text('lib'));
});

it('has nothing where a record has nothing', () => {
  expect(fieldOf(record, 'severity_text')).toBeUndefined();
  expect(fieldOf(record, 'attributes.constructor')).toBeUndefined();
  expect(fieldOf(record, 'attributes.')).toBeUndefined();
  expect(fieldOf(record, 'toString')).toBeUndefined();
});

it('calls columns by what tells them apart', () => {
  expect(['severity', 'attributes.http.route', 'resource.host.name', 'attributes.'].map(fieldTitle)).toEqual([
    'Severity',
    'http.route',
    'resource.host.name',
    'attributes.',
  ]);
});
