import { describe, expect, it } from 'vitest';
import type { Value } from '../api/model';
import { valueBlock, valueText, webAddress } from './value';

const nested: Value = {
  type: 'map',
  entries: [
    { key: 'id', value: { type: 'int', value: 9007199254740993n } },
    { key: 'tags', value: { type: 'array', items: [{ type: 'string', value: 'a"b' }, { type: 'empty' }] } },
    { key: 'nan', value: { type: 'double', value: NaN } },
    { key: 'none', value: { type: 'map', entries: [] } },
  ],
};

describe('values as text', () => {
  it('are exact', () => {
    expect(valueText({ type: 'int', value: -9223372036854775808n })).toBe('-9223372036854775808');
    expect(valueText({ type: 'double', value: -Infinity })).toBe('-Infinity');
    expect(valueText({ type: 'bool', value: false })).toBe('false');
    expect(valueText({ type: 'empty' })).toBe('');
  });

  it('are JSON when structured', () => {
    expect(valueText(nested)).toBe('{"id": 9007199254740993, "tags": ["a\\"b", null], "nan": "NaN", "none": {}}');
    expect(JSON.parse(valueBlock(nested))).toMatchObject({ tags: ['a"b', null], none: {} });
    expect(valueBlock(nested).split('\n')).toHaveLength(9);
  });

  it('indent strings that are JSON documents, and leave others alone', () => {
    expect(valueBlock({ type: 'string', value: '{"a":1}' })).toBe('{\n  "a": 1\n}');
    expect(valueBlock({ type: 'string', value: '{not json' })).toBe('{not json');
  });
});

describe('addresses', () => {
  it.each(['https://example.com/a?b=c', 'http://localhost:8080/'])('%s opens', (text) => {
    expect(webAddress(text)).toBe(text);
  });

  it.each(['javascript:alert(1)', 'see https://example.com', 'ftp://x', 'https://', 'data:text/html,x'])(
    '%s does not',
    (text) => {
      expect(webAddress(text)).toBeUndefined();
    },
  );
});
