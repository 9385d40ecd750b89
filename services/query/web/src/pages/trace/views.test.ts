import { describe, expect, it } from 'vitest';
import { traceAddress } from './address';
import { changeOf, differs, lengthOf, traceIdIn } from './comparing';
import { span } from './example';
import { attributesWith } from './FilteredAttributes';
import { fold, foldThese, foldableOf } from './folding';
import { linesOf, mostLaidOut } from './jsonLines';
import { linkingTo } from './linking';
import { meanOf, operationsOf } from './operations';
import { buildTree, visibleNodes } from './tree';
import { viewFromText, viewToText } from './view';

describe('the address of a trace', () => {
  it('keeps what it knows, and nothing else', () => {
    expect(traceAddress({ span: 'a', tab: 'flame', path: 'off', rows: 'spans', scope: 'trace', x: 'y' })).toEqual({
      ...{ span: 'a', tab: 'flame', path: 'off', rows: 'spans', scope: 'trace' },
    });
    expect(traceAddress({ tab: 'waterfall', path: 'on', rows: '', span: ['a', 'b'] })).toEqual({ span: 'a' });
  });

  it('has a stretch of time', () => {
    expect(viewToText({ from: 12.7, to: 99.2 })).toBe('12~100');
    expect(viewFromText('1200~5000', 10_000)).toEqual({ from: 1200, to: 5000 });
    for (const text of [undefined, '', '5~1', 'x~y', '1', '-5~10', '1~Infinity']) {
      expect(viewFromText(text, 10_000), String(text)).toBeUndefined();
    }
  });
});

const spans = [
  span('a', '', 0, 100, { service: 'web', name: 'get' }),
  span('b', 'a', 10, 20, { service: 'cart', name: 'load' }),
  span('c', 'b', 12, 5, { service: 'db', name: 'sql' }),
  span('d', 'a', 50, 40, { service: 'cart', name: 'load', status: 'error' }),
  span('e', 'd', 55, 10, { service: 'db', name: 'sql' }),
];

describe('folding', () => {
  const tree = buildTree(spans);
  it('hides what is below the spans of a service, and shows it again', () => {
    const cart = foldableOf(tree, 'cart');
    const folded = foldThese(new Set(), cart);
    expect(visibleNodes(tree, folded).map((n) => n.span.spanId)).toEqual(['a', 'b', 'd']);
    expect(foldThese(folded, cart).size).toBe(0);
    // Some of them folded: first all are.
    expect(foldThese(fold(new Set(), cart[0]!, true), cart)).toEqual(folded);
    expect(foldableOf(tree, 'web')).toEqual([]);
  });

  it('shows one subtree alone', () => {
    expect(visibleNodes(tree, new Set(), tree.nodes[3]).map((n) => n.span.spanId)).toEqual(['d', 'e']);
    expect(visibleNodes(tree, new Set([3]), tree.nodes[3]).map((n) => n.span.spanId)).toEqual(['d']);
  });
});

describe('the table of operations', () => {
  it('adds up spans of one service and name', () => {
    const [get, load, sql] = operationsOf(buildTree(spans).nodes);
    expect(get).toMatchObject({ service: 'web', spans: 1, selfTime: 40, total: 100 });
    expect(load).toMatchObject({
      service: 'cart',
      name: 'load',
      spans: 2,
      errors: 1,
      total: 60,
      selfTime: 45,
      longest: 40,
    });
    expect(meanOf(load!)).toBe(30);
    expect(sql).toMatchObject({ spans: 2, errors: 0 });
  });

  it('does not take one name for another', () => {
    const tree = buildTree([
      span('a', '', 0, 1, { service: 'x y', name: 'z' }),
      span('b', '', 0, 1, { service: 'x', name: 'y z' }),
    ]);
    expect(operationsOf(tree.nodes)).toHaveLength(2);
  });
});

describe('links', () => {
  it('lead both ways within a trace', () => {
    const link = (spanId: string, traceId = 't') => ({
      traceId,
      spanId,
      traceState: '',
      attributes: [],
      droppedAttributes: 0,
    });
    const tree = buildTree([
      span('a', '', 0, 100),
      span('b', 'a', 10, 20, { links: [link('a'), link('a'), link('c', 'other')] }),
      span('c', 'a', 12, 5),
    ]);
    expect(linkingTo(tree, tree.nodes[0]!).map((n) => n.span.spanId)).toEqual(['b']);
    expect(linkingTo(tree, tree.nodes[2]!)).toEqual([]);
  });
});

describe('comparing', () => {
  const side = (duration: number, status: 'unset' | 'error' = 'unset') =>
    ({ ...{ spanId: 'x', offset: 0, selfTime: 0 }, duration, status }) as const;
  const pair = (a: ReturnType<typeof side> | undefined, b: ReturnType<typeof side> | undefined) => ({
    ...{ depth: 0, service: 's', name: 'n', a, b },
  });

  it('tells weather from change', () => {
    expect(differs(pair(side(100e6), side(110e6)))).toBe(false);
    expect(differs(pair(side(100e3), side(200e3)))).toBe(false);
    expect(differs(pair(side(100e6), side(130e6)))).toBe(true);
    expect(differs(pair(side(130e6), side(100e6)))).toBe(true);
    expect(differs(pair(side(100e6), side(100e6, 'error')))).toBe(true);
    expect(differs(pair(side(1), undefined))).toBe(true);
    expect(changeOf(pair(side(5), side(3)))).toBe(-2);
    expect(changeOf(pair(side(5), undefined))).toBeUndefined();
    expect(lengthOf([pair(side(5), side(9)), pair(undefined, side(3))])).toBe(9);
  });

  it('finds the ID in whatever is pasted', () => {
    const id = '0af7651916cd43dd8448eb211c80319c';
    for (const text of [
      id,
      ` ${id.toUpperCase()} `,
      `http://h/traces/${id}?span=b7ad6b7169203331`,
      `00-${id}-b7ad6b7169203331-01`,
    ]) {
      expect(traceIdIn(text), text).toBe(id);
    }
    expect(traceIdIn(`${id}0`)).toBeUndefined();
    expect(traceIdIn('nothing')).toBeUndefined();
  });
});

describe('JSON as lines', () => {
  it('is laid out', () => {
    expect(linesOf('{"a":[1]}')).toEqual({ lines: ['{', '  "a": [', '    1', '  ]', '}'], cut: 0 });
  });

  it('is as it came where it is none, or too large, and says what is missing', () => {
    expect(linesOf('{"a":1}\n{"b":2}')).toEqual({ lines: ['{"a":1}', '{"b":2}'], cut: 0 });
    const large = linesOf('x'.repeat(mostLaidOut + 7));
    expect(large.cut).toBe(7);
    expect(large.lines.join('')).toHaveLength(mostLaidOut);
  });
});

describe('the filter of attributes', () => {
  it('looks at keys, values and both', () => {
    const attributes = [
      { key: 'http.route', value: { type: 'string', value: '/Cart' } },
      { key: 'size', value: { type: 'int', value: 12n } },
    ] as const;
    const keys = (text: string) => attributesWith(attributes, text).map(({ key }) => key);
    expect([keys(''), keys('ROUTE'), keys('cart'), keys('size=12'), keys('nothing')]).toEqual([
      ['http.route', 'size'],
      ['http.route'],
      ['http.route'],
      ['size'],
      [],
    ]);
  });
});
