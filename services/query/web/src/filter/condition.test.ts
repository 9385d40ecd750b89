import { describe, expect, it } from 'vitest';
import { conditionText, parseCondition } from './condition';

const columns = ['kind', 'duration', 'status_message'];

function filter(text: string) {
  const parsed = parseCondition(text, columns);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.filter;
}

describe('a typed condition', () => {
  it('looks for a bare key on the item and on its resource', () => {
    expect(filter('http.route=/cart')).toEqual({
      or: [
        { field: 'attributes.http.route', operator: 'eq', value: '/cart' },
        { field: 'resource.http.route', operator: 'eq', value: '/cart' },
      ],
    });
  });

  it('must fail on both when it is a negation', () => {
    expect(filter('user!=ada')).toEqual({
      and: [
        { field: 'attributes.user', operator: 'ne', value: 'ada' },
        { field: 'resource.user', operator: 'ne', value: 'ada' },
      ],
    });
    expect(filter('!user')).toHaveProperty('and');
  });

  it('stays where it is told to look', () => {
    expect(filter('resource.k8s.pod.name = cart-0')).toEqual({
      field: 'resource.k8s.pod.name',
      operator: 'eq',
      value: 'cart-0',
    });
    expect(filter('kind=server')).toEqual({ field: 'kind', operator: 'eq', value: 'server' });
    expect(filter('duration>1.5s')).toEqual({ field: 'duration', operator: 'gt', value: '1.5s' });
  });

  it('matches a number and its text, unless quoted', () => {
    expect(filter('attributes.code=200')).toEqual({ field: 'attributes.code', operator: 'in', value: [200, '200'] });
    expect(filter('attributes.code!=200')).toMatchObject({ operator: 'not_in' });
    expect(filter('attributes.code="200"')).toEqual({ field: 'attributes.code', operator: 'eq', value: '200' });
    expect(filter('attributes.id=9007199254740993')).toMatchObject({ value: [9007199254740993n, '9007199254740993'] });
  });

  it('knows the other operators', () => {
    expect(filter('attributes.a>=5')).toMatchObject({ operator: 'gte', value: 5 });
    expect(filter('attributes.a<-.5')).toMatchObject({ operator: 'lt', value: -0.5 });
    expect(filter('attributes.a~^x.*')).toMatchObject({ operator: 'regex', value: '^x.*' });
    expect(filter('attributes.a:b=c')).toMatchObject({ operator: 'contains', value: 'b=c' });
    expect(filter('attributes.a')).toMatchObject({ operator: 'exists', value: true });
    expect(filter('attributes.a=')).toMatchObject({ operator: 'eq', value: '' });
  });

  it.each(['', '=5', 'a>b', 'a~(', '!a=5', '"quoted"'])('refuses %j and says how to write it', (text) => {
    const parsed = parseCondition(text, columns);
    expect(parsed.ok).toBe(false);
    expect(parsed).toHaveProperty('problem');
  });
});

it('writes conditions that read back as the same value', () => {
  expect(conditionText('a', 'x y')).toBe('a=x y');
  expect(conditionText('a', '200')).toBe('a="200"');
  expect(conditionText('a', ' ')).toBe('a=" "');
  expect(conditionText('a', 200n)).toBe('a=200');
  expect(filter(conditionText('attributes.a', '"q"'))).toMatchObject({ operator: 'eq', value: '"q"' });
});
