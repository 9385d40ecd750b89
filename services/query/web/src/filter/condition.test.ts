import { describe, expect, it } from 'vitest';
import type { Operator } from '../api/model';
import { conditionFilters, conditionText, parseCondition } from './condition';
import { example, later } from './example';
import { grammarOf } from './grammar';

const grammar = grammarOf(example, 'traces');

function filter(text: string) {
  const parsed = parseCondition(text, grammar);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.filter;
}

function problem(text: string) {
  const parsed = parseCondition(text, grammar);
  return parsed.ok ? undefined : parsed.problem;
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
    expect(filter('user exists false')).toEqual(filter('!user'));
  });

  it('stays where it is told to look', () => {
    expect(filter('resource.k8s.pod.name = cart-0')).toEqual({
      field: 'resource.k8s.pod.name',
      operator: 'eq',
      value: 'cart-0',
    });
    expect(filter('kind=server')).toEqual({ field: 'kind', operator: 'eq', value: 'server' });
    expect(filter('scope.name=x')).toEqual({ field: 'scope.name', operator: 'eq', value: 'x' });
    expect(filter('duration>1.5s')).toEqual({ field: 'duration', operator: 'gt', value: '1.5s' });
  });

  it('looks for a field of another signal as for any key', () => {
    expect(filter('event_name=x')).toHaveProperty('or');
    expect(parseCondition('event_name=x', grammarOf(example, 'logs'))).toEqual({
      ok: true,
      filter: { field: 'event_name', operator: 'eq', value: 'x' },
    });
  });

  it('matches a number and its text, unless quoted', () => {
    expect(filter('attributes.code=200')).toEqual({
      or: [
        { field: 'attributes.code', operator: 'eq', value: 200 },
        { field: 'attributes.code', operator: 'eq', value: '200' },
      ],
    });
    expect(filter('attributes.code!=200')).toEqual({
      and: [
        { field: 'attributes.code', operator: 'ne', value: 200 },
        { field: 'attributes.code', operator: 'ne', value: '200' },
      ],
    });
    expect(filter('attributes.code="200"')).toEqual({ field: 'attributes.code', operator: 'eq', value: '200' });
    expect(filter('attributes.id=9007199254740993')).toMatchObject({
      or: [{ value: 9007199254740993n }, { value: '9007199254740993' }],
    });
    expect(filter('code=200')).toHaveProperty('or.length', 4);
  });

  it('takes a number for what the field makes of it', () => {
    expect(filter('service=42')).toEqual({ field: 'service', operator: 'eq', value: '42' });
    const id = '01234567890123456789012345678901';
    expect(filter(`trace_id=${id}`)).toEqual({ field: 'trace_id', operator: 'eq', value: id });
    expect(filter('duration>=250')).toEqual({ field: 'duration', operator: 'gte', value: 250 });
    expect(filter('kind=2')).toEqual({ field: 'kind', operator: 'eq', value: 2 });
    expect(filter('root=true')).toEqual({ field: 'root', operator: 'eq', value: true });
  });

  it('knows the other operators by their symbols', () => {
    expect(filter('attributes.a>=5')).toMatchObject({ operator: 'gte', value: 5 });
    expect(filter('attributes.a >= 5')).toMatchObject({ operator: 'gte', value: 5 });
    expect(filter('attributes.a<-.5')).toMatchObject({ operator: 'lt', value: -0.5 });
    expect(filter('attributes.a~^x.*')).toMatchObject({ operator: 'regex', value: '^x.*' });
    expect(filter('attributes.a:b=c')).toMatchObject({ operator: 'contains', value: 'b=c' });
    expect(filter('attributes.a:200')).toMatchObject({ operator: 'contains', value: '200' });
    expect(filter('attributes.a')).toMatchObject({ operator: 'exists', value: true });
    expect(filter('attributes.a=')).toMatchObject({ operator: 'eq', value: '' });
  });

  it('knows them by their words and names, the longest first', () => {
    expect(filter('attributes.a contains x y')).toMatchObject({ operator: 'contains', value: 'x y' });
    expect(filter('attributes.a Is Not b')).toMatchObject({ operator: 'ne', value: 'b' });
    expect(filter('attributes.a exists')).toMatchObject({ operator: 'exists', value: true });
    expect(filter('duration at least 1s')).toMatchObject({ operator: 'gte', value: '1s' });
    expect(filter('duration gte 1s')).toMatchObject({ operator: 'gte', value: '1s' });
    expect(filter('kind is one of server, client')).toMatchObject({ operator: 'in', value: ['server', 'client'] });
    expect(filter('attributes.a is none of 1, "2", "x, y"')).toEqual({
      field: 'attributes.a',
      operator: 'not_in',
      value: [1, '1', '2', 'x, y'],
    });
  });

  it('leaves expressions to the server, whose dialect is not the browser’s', () => {
    expect(filter('attributes.a~(?i)timeout')).toMatchObject({ operator: 'regex', value: '(?i)timeout' });
  });

  it.each(['', '=5', 'a>b', '!a=5', '"quoted"', 'a b', 'kind=teapot', 'root=2', 'a exists maybe', 'kind is one of'])(
    'refuses %j and says how to write it',
    (text) => expect(problem(text)).toMatch(/\w/),
  );

  it('refuses an operator that the field does not take, and names those it takes', () => {
    expect(problem('root>1')).toBe('root does not take "greater than"; it takes =, !=');
    expect(problem('duration:5')).toContain('is one of');
    expect(problem('kind=teapot')).toContain('internal, server, client');
    expect(problem('a ? 5')).toContain('>=');
  });
});

describe('an operator that no server has yet', () => {
  it('is read, with its symbol and its words, as soon as one serves it', () => {
    expect(filter('attributes.a^200')).toEqual({ field: 'attributes.a', operator: later, value: '200' });
    expect(filter('service starts with ca')).toEqual({ field: 'service', operator: later, value: 'ca' });
    expect(problem('duration^5')).toContain('does not take "starts with"');
  });

  it('is read whatever the case of its words', () => {
    const operators = example.operators.map((o) => (o.name === later ? { ...o, label: 'Starts With' } : o));
    expect(parseCondition('service starts With ca', grammarOf({ ...example, operators }, 'traces'))).toMatchObject({
      ok: true,
      filter: { operator: later, value: 'ca' },
    });
  });

  it('is unknown before', () => {
    const today = { ...example, operators: example.operators.filter((o) => o.name !== later) };
    expect(parseCondition('attributes.a starts with ca', grammarOf(today, 'traces')).ok).toBe(false);
  });

  it('negates what it says it negates', () => {
    const unlike = { ...example.operators[0]!, name: 'unlike' as Operator, symbol: '%', negates: later };
    const fields = example.fields.map((f) => ({ ...f, operators: [...f.operators, unlike.name] }));
    const parsed = parseCondition('a%b', grammarOf({ operators: [...example.operators, unlike], fields }, 'traces'));
    expect(parsed).toMatchObject({ ok: true, filter: { and: [{ operator: 'unlike' }, { operator: 'unlike' }] } });
  });
});

describe('typed conditions together', () => {
  it('are those that can be read', () => {
    expect(conditionFilters(['kind=server', '=x'], grammar)).toEqual([
      { field: 'kind', operator: 'eq', value: 'server' },
    ]);
  });

  it('are unknown while the fields are, unless there are none', () => {
    expect(conditionFilters(['kind=server'], undefined)).toBeUndefined();
    expect(conditionFilters([], undefined)).toEqual([]);
  });
});

it('writes conditions that read back as the same value', () => {
  expect(conditionText('a', 'x y')).toBe('a=x y');
  expect(conditionText('a', '200')).toBe('a="200"');
  expect(conditionText('a', ' ')).toBe('a=" "');
  expect(conditionText('a', 200n)).toBe('a=200');
  expect(filter(conditionText('attributes.a', '"q"'))).toMatchObject({ operator: 'eq', value: '"q"' });
});
