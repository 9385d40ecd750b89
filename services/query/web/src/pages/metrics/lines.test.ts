import { describe, expect, it } from 'vitest';
import type { MetricLine, MetricLines, Values } from '../../api/model';
import { linesOf, meansOf, quantileLabel, rankedAt, shownOf } from './lines';

const text = (value: string) => ({ type: 'string', value }) as const;
const attributes = (of: Record<string, string>) =>
  Object.entries(of).map(([key, value]) => ({ key, value: text(value) }));
const series = (
  figures: Values,
  of: Record<string, string> = {},
  service = 'cart',
  resource: Record<string, string> = {},
): MetricLine => ({
  values: [],
  series: {
    id: JSON.stringify([service, of, resource]),
    service,
    attributes: attributes(of),
    resource: attributes(resource),
  },
  seriesCount: 1,
  figures: [figures],
  histogram: undefined,
});
const group = (figures: Values[], ...values: (string | undefined)[]): MetricLine => ({
  values: values.map((value) => (value === undefined ? undefined : text(value))),
  series: undefined,
  seriesCount: 3,
  figures,
  histogram: undefined,
});
const asked: Parameters<typeof linesOf>[1] = {
  by: [],
  quantiles: [],
  together: 'all',
  serviceColour: (name: string) => `of ${name}`,
};
const named = (lines: MetricLine[], more: Partial<typeof asked> = {}) =>
  linesOf({ lines }, { ...asked, ...more }).map(({ label }) => label);

describe('lines of series', () => {
  it('are named by what tells them apart', () => {
    expect(named([series([1], { host: 'a', zone: 'x' }), series([1], { host: 'b', zone: 'x' })])).toEqual([
      'host=a',
      'host=b',
    ]);
    expect(named([series([1], { host: 'a' })])).toEqual(['cart']);
    expect(named([series([1]), series([1], {}, 'ad')])).toEqual(['cart', 'ad']);
  });

  it('of several instances are named by the instance', () => {
    expect(
      named([
        series([1], {}, 'cart', { 'k8s.pod.name': 'cart-0' }),
        series([1], {}, 'cart', { 'k8s.pod.name': 'cart-1' }),
      ]),
    ).toEqual(['cart, k8s.pod.name=cart-0', 'cart, k8s.pod.name=cart-1']);
  });
});

describe('lines of groups', () => {
  it('are named by their values, and by fields where there are several', () => {
    expect(named([group([[1]], 'GET'), group([[1]], undefined), group([[1]], '')], { by: ['method'] })).toEqual([
      'GET',
      'none',
      'empty',
    ]);
    expect(named([group([[1]], 'GET', 'cart')], { by: ['method', 'service'] })).toEqual(['method=GET, service=cart']);
    expect(named([group([[1]])])).toEqual(['all']);
  });

  it('of quantiles are a line each', () => {
    const quantiles = [0.5, 0.99];
    expect(named([group([[1], [2]])], { quantiles })).toEqual(['p50', 'p99']);
    expect(named([group([[1], [2]], 'cart')], { quantiles, by: ['service'] })).toEqual(['cart p50', 'cart p99']);
    expect(named([group([[1]], 'cart')], { quantiles: [0.5], by: ['service'] })).toEqual(['cart']);
    expect([0.5, 0.999, 0.9999].map(quantileLabel)).toEqual(['p50', 'p99.9', 'p99.99']);
  });

  it('of services have their colours', () => {
    expect(linesOf({ lines: [group([[1]], 'cart')] }, { ...asked, by: ['service'] })[0]?.colour).toBe('of cart');
  });

  it('have keys and colours that do not follow from what else there is', () => {
    const by = ['method'];
    const a = group([[1]], 'GET');
    const b = group([[2]], 'PUT');
    const [first] = linesOf({ lines: [a, b] }, { ...asked, by });
    const second = linesOf({ lines: [b, a] }, { ...asked, by })[1];
    expect(second).toEqual(first);
    expect(first!.key.length).toBeLessThan(20);
    const keys = linesOf(
      { lines: [group([[1]], undefined), group([[1]], ''), group([[1]], 'null'), group([[1]], '__proto__')] },
      { ...asked, by },
    ).map(({ key }) => key);
    expect(new Set(keys).size).toBe(4);
  });
});

describe('what is told of lines', () => {
  const lines = linesOf(
    { lines: [series([1, undefined, 3], { k: 'a' }), series([4, 5, undefined], { k: 'b' }), series([], { k: 'c' })] },
    asked,
  );

  it('is their least, mean, greatest and last value', () => {
    expect(lines.map(({ stats }) => stats)).toEqual([
      { min: 1, avg: 2, max: 3, last: 3 },
      { min: 4, avg: 4.5, max: 5, last: 5 },
      undefined,
    ]);
  });

  it('in a bucket is the greatest first, with the one that is pointed at', () => {
    const at = (bucket: number, near: number) =>
      rankedAt(lines, bucket, near).map(({ line, value, nearest }) => [line.label, value, nearest]);
    expect(at(0, 1.2)).toEqual([
      ['k=b', 4, false],
      ['k=a', 1, true],
    ]);
    expect(at(1, 0)).toEqual([['k=b', 5, false]]);
    expect(at(9, 0)).toEqual([]);
  });

  it('is of one alone where that is there', () => {
    expect(shownOf(lines, lines[1]?.key)).toEqual([lines[1]]);
    expect(shownOf(lines, 'gone')).toEqual(lines);
    expect(shownOf(lines, undefined)).toEqual(lines);
  });
});

it('means of summaries are sums by counts, the highest first and the rest between two values', () => {
  const answer = (lines: MetricLine[]) => ({ lines }) as unknown as MetricLines;
  const sums = answer([series([10, 4], { k: 'a' }), series([9, undefined], { k: 'b' }), series([1, 8], { k: 'c' })]);
  const counts = answer([series([1, 2], { k: 'c' }), series([2, 0], { k: 'a' }), series([1, 1], { k: 'b' })]);
  const means = meansOf(sums, counts, 1);
  expect(means.lines.map(({ figures }) => figures[0])).toEqual([[9, undefined]]);
  expect(means.other).toMatchObject({ lines: 2, seriesCount: 2, min: [1, 4], max: [5, 4] });
  expect(meansOf(sums, counts, 5).other).toBeUndefined();
});
