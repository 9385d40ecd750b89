import { describe, expect, it } from 'vitest';
import type { Metric, Point, Series } from '../../api/model';
import { align, greatest, measureOf, toLines, unitLabel } from './lines';

const metric = (rest: Partial<Metric>): Metric => ({
  name: 'm',
  type: 'sum',
  unit: '',
  description: '',
  temporality: 'cumulative',
  monotonic: true,
  ...rest,
});
const point = (second: number, value?: number, rest: Partial<Point> = {}): Point => ({
  time: BigInt(second) * 1_000_000_000n,
  startTime: 0n,
  value,
  histogram: undefined,
  summary: undefined,
  ...rest,
});
const series = (points: Point[], attributes: Record<string, string> = {}, service = 'cart', pod = ''): Series => ({
  id: JSON.stringify([service, attributes]),
  service,
  resource: {
    service,
    attributes: pod === '' ? [] : [{ key: 'k8s.pod.name', value: { type: 'string', value: pod } }],
    schemaUrl: '',
    droppedAttributes: 0,
  },
  attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { type: 'string', value } })),
  points,
});
const values = (m: Metric, points: Point[]) => toLines(m, [series(points)])[0]?.values;

describe('lines', () => {
  it('of gauges are their values', () => {
    expect(values(metric({ type: 'gauge' }), [point(20, 2), point(10, 1), point(30, NaN)])).toEqual([1, 2, null]);
  });

  it('of counters are rates, which begin anew at a restart', () => {
    expect(values(metric({}), [point(10, 100), point(20, 150), point(30, 20), point(40, 30)])).toEqual([
      null,
      5,
      null,
      1,
    ]);
    expect(values(metric({}), [point(10, 1), point(20, 9, { startTime: 5n })])).toBeUndefined();
  });

  it('of delta counters are rates over their own interval', () => {
    const delta = metric({ temporality: 'delta' });
    expect(values(delta, [point(10, 30, { startTime: 0n }), point(20, 50, { startTime: 15_000_000_000n })])).toEqual([
      null,
      10,
    ]);
  });

  it('of sums that go up and down are their values', () => {
    expect(measureOf(metric({ monotonic: false }))).toBe('value');
  });

  it('of histograms are the mean since the point before', () => {
    const summary = (count: number, sum: number) => ({ summary: { count, sum, quantiles: [] } });
    const points = [
      point(10, undefined, summary(2, 10)),
      point(20, undefined, summary(6, 50)),
      point(30, undefined, summary(6, 50)),
    ];
    expect(values(metric({ type: 'histogram' }), points)).toEqual([5, 10, null]);
    expect(values(metric({ type: 'histogram', temporality: 'delta' }), points.slice(0, 2))).toEqual([5, 50 / 6]);
  });

  it('are named by what tells them apart', () => {
    const gauge = metric({ type: 'gauge' });
    const lines = toLines(gauge, [
      series([point(1, 1)], { host: 'a', zone: 'x' }),
      series([point(1, 1)], { host: 'b', zone: 'x' }),
    ]);
    expect(lines.map((l) => l.label)).toEqual(['host=a', 'host=b']);
    expect(toLines(gauge, [series([point(1, 1)], { host: 'a' })])[0]?.label).toBe('cart');
    expect(toLines(gauge, [series([point(1, 1)]), series([point(1, 1)], {}, 'ad')]).map((l) => l.label)).toEqual([
      'cart',
      'ad',
    ]);
  });

  it('of several instances are named by the instance', () => {
    const lines = toLines(metric({ type: 'gauge' }), [
      series([point(1, 1)], {}, 'cart', 'cart-0'),
      series([point(1, 1)], {}, 'cart', 'cart-1'),
    ]);
    expect(lines.map((l) => l.label)).toEqual(['cart, k8s.pod.name=cart-0', 'cart, k8s.pod.name=cart-1']);
  });

  it('share one time axis', () => {
    const lines = toLines(metric({ type: 'gauge' }), [
      series([point(1, 1), point(3, 3)], { k: 'a' }),
      series([point(2, 2), point(3, NaN)], { k: 'b' }),
    ]);
    expect(align(lines)).toEqual([
      [1, 2, 3],
      [1, undefined, 3],
      [undefined, 2, null],
    ]);
    expect(greatest(lines, 1).map((l) => l.label)).toEqual(['k=a']);
  });
});

it('reads units', () => {
  expect(unitLabel('{request}', 'rate')).toBe('request/s');
  expect(unitLabel('1', 'value')).toBe('');
  expect(unitLabel('By', 'value')).toBe('By');
});
