import { describe, expect, it } from 'vitest';
import { example } from '../../filter/example';
import { grammarOf } from '../../filter/grammar';
import { readQuery } from '../../filter/query';
import { exactDuration, narrowed, ofLength, ofValue, withoutScope } from './narrow';

const grammar = grammarOf(example, 'traces');
const parsed = (text: string | undefined) => {
  const read = readQuery(text ?? '', grammar);
  return read.ok ? read.filters[0] : read.problem.message;
};

describe('a filter made by a click', () => {
  it('has exactly the value, or has not', () => {
    const value = { type: 'string', value: 'a = "b"' } as const;
    expect(parsed(ofValue('attributes.route', value, true))).toEqual({
      field: 'attributes.route',
      operator: 'eq',
      value: value.value,
    });
    expect(parsed(ofValue('attributes.route', value, false))).toEqual({
      field: 'attributes.route',
      operator: 'ne',
      value: value.value,
    });
    expect(parsed(ofValue('attributes.code', { type: 'string', value: '200' }, false))).toMatchObject({ value: '200' });
    expect(ofValue('kind', { type: 'int', value: 2n }, true)).toBe('kind = 2');
  });

  it('is not offered where it would mean something else', () => {
    expect(parsed(ofValue('attributes.a "b=', { type: 'string', value: 'x' }, true))).toEqual({
      field: 'attributes.a "b=',
      operator: 'eq',
      value: 'x',
    });
    expect(ofValue('attributes.a', { type: 'array', items: [] }, true)).toBeUndefined();
    expect(ofValue('attributes.a', { type: 'double', value: NaN }, true)).toBeUndefined();
  });

  it('holds on the spans that are listed, also where the other conditions hold anywhere', () => {
    const query = withoutScope('service = cart and kind = server', grammar);
    expect(narrowed(query, ['duration>=1s', 'duration<2s'], grammar)).toBe(
      'service = cart and anywhere(kind = server) and duration >= 1s and duration < 2s',
    );
    expect(withoutScope('service = ', grammar)).toBe('service = ');
  });

  it('stands beside those that are there, once', () => {
    expect(narrowed('a = 1 and service = cart', ['kind=server', 'a=1'], grammar)).toBe(
      'a = 1 and service = cart and kind = server',
    );
    expect(narrowed('a = 1 or b = 2', ['duration>=134.217728ms'], grammar)).toBe(
      '(a = 1 or b = 2) and duration >= 134217728ns',
    );
  });
});

it('writes durations to the nanosecond', () => {
  expect([0, 999, 1_000, 134_217_728, 1_500_000_000, 3_600_000_000_001].map(exactDuration)).toEqual([
    '0ns',
    '999ns',
    '1us',
    '134.217728ms',
    '1.5s',
    '3600.000000001s',
  ]);
});

it('has no end of the last band of all', () => {
  expect(ofLength(1_000_000, 2_000_000)).toEqual(['duration>=1ms', 'duration<2ms']);
  expect(ofLength(4e18, 2 ** 63)).toEqual(['duration>=4000000000s']);
});
