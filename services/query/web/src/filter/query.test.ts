import { describe, expect, it } from 'vitest';
import type { Condition, Filter, Literal } from '../api/endpoints';
import type { Operator } from '../api/model';
import { example, later } from './example';
import { grammarOf } from './grammar';
import { filterKey, plain, print, textOf } from './print';
import { anywhere, ownFilters, readQuery } from './query';

const traces = grammarOf(example, 'traces');
const logs = grammarOf(example, 'logs');

function filters(text: string, grammar = traces): readonly Filter[] {
  const query = readQuery(text, grammar);
  if (!query.ok) throw new Error(`${query.problem.message} at ${query.problem.from}`);
  return query.filters;
}
const filter = (text: string, grammar = traces) => filters(text, grammar)[0];

function problem(text: string, grammar = traces) {
  const query = readQuery(text, grammar);
  return query.ok ? undefined : query.problem;
}

const eq = (field: string, value: Literal): Condition => ({ field, operator: 'eq', value });

describe('a condition', () => {
  it('looks for a bare key on the item and on its resource', () => {
    expect(filter('http.route = /cart')).toEqual({
      or: [eq('attributes.http.route', '/cart'), eq('resource.http.route', '/cart')],
    });
  });

  it('must fail on both when it is a negation', () => {
    const ne = (field: string) => ({ field, operator: 'ne', value: 'ada' });
    expect(filter('user!=ada')).toEqual({ and: [ne('attributes.user'), ne('resource.user')] });
    expect(filter('user not exists')).toHaveProperty('and');
    expect(filter('user exists false')).toEqual(filter('user not exists'));
  });

  it('stays where it is told to look', () => {
    expect(filter('resource.k8s.pod.name = cart-0')).toEqual(eq('resource.k8s.pod.name', 'cart-0'));
    expect(filter('kind=server')).toEqual(eq('kind', 'server'));
    expect(filter('scope.name=x')).toEqual(eq('scope.name', 'x'));
  });

  it('looks for a field of another signal as for any key', () => {
    expect(filter('event_name=x')).toHaveProperty('or');
    expect(filter('event_name=x', logs)).toEqual(eq('event_name', 'x'));
  });

  it('matches a number and its text, unless its type is said', () => {
    expect(filter('attributes.code=200')).toEqual({ or: [eq('attributes.code', 200), eq('attributes.code', '200')] });
    expect(filter('attributes.code!=200')).toHaveProperty('and.length', 2);
    expect(filter('attributes.code="200"')).toEqual(eq('attributes.code', '200'));
    expect(filter('attributes.code = number(200)')).toEqual(eq('attributes.code', 200));
    expect(filter('attributes.code = int(200)')).toEqual(eq('attributes.code', 200n));
    expect(filter('attributes.code = double(200)')).toEqual(eq('attributes.code', { type: 'double', value: 200 }));
    expect(filter('attributes.code = nothing()')).toEqual(eq('attributes.code', { type: 'empty' }));
    expect(filter('attributes.id=9007199254740993')).toMatchObject({
      or: [{ value: 9007199254740993n }, { value: '9007199254740993' }],
    });
    expect(filter('code=200')).toHaveProperty('or.length', 4);
  });

  it('takes a value for what the field makes of it', () => {
    expect(filter('service=42')).toEqual(eq('service', '42'));
    const id = '01234567890123456789012345678901';
    expect(filter(`trace_id=${id}`)).toEqual(eq('trace_id', id));
    expect(filter('duration >= 250ms')).toEqual({ field: 'duration', operator: 'gte', value: 250e6 });
    expect(filter('duration>1.5s')).toEqual({ field: 'duration', operator: 'gt', value: 1.5e9 });
    expect(filter('kind=2')).toEqual(eq('kind', 2));
    expect(filter('root=true')).toEqual(eq('root', true));
    expect(filter('attributes.size > 2KiB')).toMatchObject({ value: 2048 });
    expect(filter('attributes.size > 1.5MB')).toMatchObject({ value: 1_500_000 });
  });

  it('knows operators by symbols, words and names, the longest first', () => {
    expect(filter('attributes.a>=5')).toMatchObject({ operator: 'gte', value: 5 });
    expect(filter('attributes.a<-.5')).toMatchObject({ operator: 'lt', value: -0.5 });
    expect(filter('attributes.a~"^x.*"')).toMatchObject({ operator: 'regex', value: '^x.*' });
    expect(filter('attributes.a:b=c')).toMatchObject({ operator: 'contains', value: 'b=c' });
    expect(filter('attributes.a contains "x y"')).toMatchObject({ operator: 'contains', value: 'x y' });
    expect(filter('attributes.a Is Not b')).toMatchObject({ operator: 'ne', value: 'b' });
    expect(filter('duration at least 1s')).toMatchObject({ operator: 'gte' });
    expect(filter('kind in (server, client)')).toMatchObject({ operator: 'in', value: ['server', 'client'] });
    expect(filter('kind is one of (server)')).toMatchObject({ operator: 'in', value: ['server'] });
    expect(filter('attributes.a not in (1, "2", "x, y")')).toEqual({
      field: 'attributes.a',
      operator: 'not_in',
      value: [1, '1', '2', 'x, y'],
    });
    expect(filter('attributes.a^200')).toEqual({ field: 'attributes.a', operator: later, value: '200' });
  });

  it('is the opposite with not or ! before its operator', () => {
    expect(filter('attributes.a not contains x')).toEqual({
      not: [{ field: 'attributes.a', operator: 'contains', value: 'x' }],
    });
    expect(filter('attributes.a !~ x')).toEqual({ not: [{ field: 'attributes.a', operator: 'regex', value: 'x' }] });
  });

  it('leaves expressions to the server, whose dialect is not the browser’s', () => {
    expect(filter(String.raw`attributes.a ~ "(?i)\d+"`)).toMatchObject({
      operator: 'regex',
      value: String.raw`(?i)\d+`,
    });
  });
});

describe('conditions together', () => {
  it('are those that must all hold, and what binds tighter', () => {
    expect(filters('service = cart and duration > 100ms and not kind = server')).toEqual([
      eq('service', 'cart'),
      { field: 'duration', operator: 'gt', value: 100e6 },
      { not: [eq('kind', 'server')] },
    ]);
    expect(filters('service = a or service = b and kind = server')).toEqual([
      { or: [eq('service', 'a'), { and: [eq('service', 'b'), eq('kind', 'server')] }] },
    ]);
    expect(filters('(service = a || service = b) && kind = server')).toEqual([
      { or: [eq('service', 'a'), eq('service', 'b')] },
      eq('kind', 'server'),
    ]);
    expect(filters('not (service = a and kind = server)')).toEqual([
      { not: [eq('service', 'a'), eq('kind', 'server')] },
    ]);
    expect(filters(' ')).toEqual([]);
  });

  it('may be about another span of the trace', () => {
    expect(filters('service = a and anywhere(service = b and kind = server)')).toEqual([
      eq('service', 'a'),
      { relation: 'trace', filters: [eq('service', 'b'), eq('kind', 'server')] },
    ]);
    expect(filter('parent(service = b)')).toEqual({ relation: 'parent', filters: [eq('service', 'b')] });
    expect(problem('anywhere(service = b)', logs)?.message).toContain('anywhere');
    expect(problem('elsewhere(service = b)')?.message).toContain('parent');
  });

  it('may each hold for another span, but for the first, which is what is listed', () => {
    expect(anywhere(filters('service = a and kind = server'))).toEqual([
      eq('service', 'a'),
      { relation: 'trace', filters: [eq('kind', 'server')] },
    ]);
  });
});

it('figures of spans are asked for without what is asked of other spans', () => {
  const asked = filters('service = a and not parent(kind = server) and (root = true or anywhere(kind = server))');
  expect(ownFilters(asked)).toEqual({ own: [eq('service', 'a')], less: true });
  expect(ownFilters(asked.slice(0, 1))).toEqual({ own: [eq('service', 'a')], less: false });
});

describe('words', () => {
  it('are of the body, in any case, or in quotes as they are', () => {
    expect(filters('time.out "Card declined" --- and service = pay', logs)).toEqual([
      { field: 'body', operator: 'words', value: 'time.out' },
      { field: 'body', operator: 'contains', value: 'Card declined' },
      { field: 'body', operator: 'contains', value: '---' },
      eq('service', 'pay'),
    ]);
  });

  it('are printed as they were written', () => {
    for (const text of ['time.out', '"Card declined"', 'body words "Card declined"', 'body ~ "(?i)timeout"']) {
      expect(textOf(filters(text, logs), logs)).toBe(text);
    }
  });

  it('are none where there are no bodies', () => {
    expect(problem('timeout')?.message).toContain('An operator must follow timeout');
  });
});

describe('a text that looks like a condition', () => {
  it.each([
    'http://host/path',
    'Error: timeout',
    '12:30:45',
    'disk is full',
    'file exists',
    'queue in (retry)',
    'key not exists',
  ])('%s is not taken for one on an attribute', (text) => {
    expect(problem(text, logs)?.message).toContain('Put quotes around');
    expect(problem(text)).toBeUndefined();
  });

  it('is one where it says so', () => {
    for (const text of ['attributes.disk is full', '"disk" is full', 'disk = full', 'http.route exists', 'body : x']) {
      expect(problem(text, logs)).toBeUndefined();
    }
    expect(textOf(filters('"disk" exists', logs), logs)).toBe('"disk" exists');
  });
});

it('takes digits beyond 64 bits for a text, which alone can be found', () => {
  expect(filter('attributes.id = 12345678901234567890')).toEqual(eq('attributes.id', '12345678901234567890'));
  expect(filter('attributes.id = 9223372036854775807')).toMatchObject({ or: [{ value: 9223372036854775807n }, {}] });
  expect(filter('attributes.id > 12345678901234567890')).toMatchObject({ value: Number('12345678901234567890') });
  expect(problem('attributes.id = int(9223372036854775808)')?.message).toContain('64 bits');
  expect(filter('attributes.id = 1e999')).toEqual(eq('attributes.id', '1e999'));
});

it('tells numbers from each other that JSON does not', () => {
  const keys = [NaN, Infinity, -Infinity].map((value) => filterKey(eq('attributes.x', { type: 'double', value })));
  expect(new Set([...keys, filterKey(eq('attributes.x', { type: 'empty' }))]).size).toBe(4);
});

describe('what cannot be read', () => {
  it.each([
    // The reported one: never one condition with the rest as its value.
    ['service = "cart" duration > 100ms', 17, 'Only and, or'],
    ['service = a b', 12, 'quotes'],
    ['=5', 0, 'begins with a name'],
    ['service', 7, 'An operator must follow service'],
    ['service = ', 10, 'A value is missing'],
    ['service = and kind = server', 10, 'A value is missing'],
    ['service = a and', 15, 'A condition is missing'],
    ['(service = a', 0, 'not closed'],
    ['service = a)', 11, 'There is no ('],
    ['service = "a', 10, 'quote is not closed'],
    ['service == a', 9, 'stands in quotes'],
    ['name ~ (?i)x', 7, 'A value is missing'],
    ['service = f(x)', 11, 'stands in quotes'],
    ['kind = teapot', 7, 'internal, server, client'],
    ['duration > 250', 11, 'length of time'],
    ['attributes.ms > 5s', 16, 'of duration only'],
    ['attributes.a > b', 15, 'not a number'],
    ['root = 2', 7, 'not true or false'],
    ['trace_id = xyz', 11, 'hex digits'],
    ['root > 1', 0, 'root does not take "greater than"; it takes =, !='],
    ['attributes.a = int(1.5)', 15, 'not an integer'],
    [`${'('.repeat(11)}service = a${')'.repeat(11)}`, 11, 'within each other'],
  ])('%j is refused at %d: %s', (text, at, words) => {
    expect(problem(text)).toMatchObject({ from: at });
    expect(problem(text)?.message).toContain(words);
  });
});

describe('text of filters', () => {
  it.each([
    'http.route = /cart and not kind = server',
    'code = 200 and user not exists',
    'attributes.code = number(200) or attributes.code = int(200)',
    'duration > 100ms and kind in (server, client)',
    'not (service = a or service = b) and parent(service = c and anywhere(kind = server))',
    '"attributes.a b" = "x \\"y\\"" and "and" = 1',
    '(service = a and service = b) or kind = server',
  ])('is what was written: %s', (text) => {
    expect(textOf(filters(text), traces)).toBe(text);
    const query = readQuery(text, traces);
    expect(query.ok && query.tree !== undefined && print(query.tree, traces)).toBe(text);
  });

  it('is words where words were written', () => {
    expect(textOf(filters('timeout and "Card (declined)" and service = pay', logs), logs)).toBe(
      'timeout and "Card (declined)" and service = pay',
    );
  });

  it('reads back as the same filters, whatever they are', () => {
    for (const [signal, grammar] of [
      ['traces', traces],
      ['logs', logs],
    ] as const) {
      for (let seed = 1; seed <= 200; seed++) {
        const wanted = Array.from({ length: 1 + (seed % 3) }, (_, i) =>
          new Random(seed * 31 + i).filter(3, signal === 'traces'),
        );
        const text = textOf(wanted, grammar);
        const query = readQuery(text, grammar);
        if (!query.ok) throw new Error(`seed ${seed}: ${text}: ${query.problem.message} at ${query.problem.from}`);
        // Several filters are as one of all of them.
        const one = wanted.length === 1 ? plain(wanted[0]!) : { and: wanted.map(plain) };
        const meant = query.filters.length === 1 ? query.filters[0]! : { and: query.filters };
        expect(filterKey(meant), `seed ${seed}: ${text}`).toBe(filterKey(one));
      }
    }
  }, 60_000);
});

/** Filters of all sorts, the same each time for a seed. */
class Random {
  constructor(private state: number) {
    for (let i = 0; i < 5; i++) this.below(2);
  }

  private below(n: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * n);
  }

  private of<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }

  private text(): string {
    const parts = [
      'a',
      'Cart',
      ' ',
      '"',
      "'",
      '\\',
      '\n',
      '(',
      ')',
      ',',
      '200',
      'true',
      '=',
      '!',
      'and',
      ' or ',
      '&&',
      'ü',
      '(?i)',
    ];
    return Array.from({ length: this.below(4) }, () => this.of(parts)).join('');
  }

  private literal(): Literal {
    return this.of<() => Literal>([
      () => this.text(),
      () => this.of([0, 1, -5, 200, 1.5, 1e21, 3600e9]),
      () => this.of([true, false]),
      () => this.of([0n, 200n, -7n, 2n ** 62n]),
      () => ({ type: 'double', value: this.of([0, 2.5, -1]) }),
      () => ({ type: 'bytes', base64: 'AQID' }),
      () => ({ type: 'empty' }),
      () => String(this.of([200, 'true', '1h', 'int(5)', 'nothing()'])),
    ])();
  }

  private condition(traced: boolean): Filter {
    const field = this.of([
      'service',
      'attributes.http.route',
      'attributes.a b',
      'resource."x"',
      'resource.service',
      'attributes.and',
      'scope.name',
      ...(traced ? ['duration'] : ['body']),
    ]);
    const operators: Operator[] =
      field === 'duration'
        ? ['eq', 'gt', 'in', 'exists']
        : ['eq', 'ne', 'gte', 'in', 'not_in', 'contains', 'regex', later, 'exists'];
    const operator = this.of(operators);
    if (operator === 'exists') return { field, operator, value: this.of([true, false]) };
    const one = () => (field === 'duration' ? this.of([5, 100e6, 90e9, 1_500_000]) : this.literal());
    const list = operator === 'in' || operator === 'not_in';
    return { field, operator, value: list ? Array.from({ length: 1 + this.below(3) }, one) : one() };
  }

  filter(depth: number, related: boolean): Filter {
    if (depth === 0 || this.below(3) === 0) return this.condition(related);
    const several = () => Array.from({ length: 1 + this.below(3) }, () => this.filter(depth - 1, related));
    return this.of<() => Filter>([
      () => ({ and: several() }),
      () => ({ or: several() }),
      () => ({ not: several() }),
      () => (related ? { relation: this.of(['trace', 'parent'] as const), filters: several() } : { not: several() }),
    ])();
  }
}
