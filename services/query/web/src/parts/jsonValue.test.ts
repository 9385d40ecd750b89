import { expect, it } from 'vitest';
import { jsonValue } from './jsonValue';
import { valueText } from './value';

it('reads objects and lists, with all digits of their integers', () => {
  const value = jsonValue('{"msg": "x", "id": 9007199254740993, "deep": [1.5, true, null, {"__proto__": 1}]}');
  expect(value?.type).toBe('map');
  const text = valueText(value!);
  // An engine that does not tell how a number was written rounds it, as JSON does.
  expect(text).toMatch(/^\{"msg": "x", "id": 900719925474099[23], "deep": \[1.5, true, null, \{"__proto__": 1\}\]\}$/);
});

it('leaves all else a text', () => {
  for (const text of ['', 'x', '"x"', '12', '{', '[1,]', '{a: 1}', `${'['.repeat(100)}${']'.repeat(100)}`]) {
    expect(jsonValue(text), text).toBeUndefined();
  }
  expect(jsonValue(`[${'1,'.repeat(600_000)}1]`)).toBeUndefined();
});
