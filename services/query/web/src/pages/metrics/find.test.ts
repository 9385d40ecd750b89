import { describe, expect, it } from 'vitest';
import type { CatalogueMetric } from '../../api/model';
import { filtersOf, findMetrics, metricKey, metricOf, nameInAddress, namesOf } from './find';

const entry = (name: string, description: string, services: string[]): CatalogueMetric => ({
  metric: { name, type: 'gauge', unit: '', description, temporality: 'unspecified', monotonic: false },
  series: 1,
  seriesEstimated: false,
  points: 1,
  services,
  attributeKeys: [],
  lastTime: 0n,
  quantiles: [],
});
const metrics = [
  entry('http.server.duration', 'How long requests take.', ['frontend', 'cart']),
  entry('jvm.memory.used', 'Bytes of the heap.', ['ad']),
];
const found = (text: string) => findMetrics(metrics, text).map(({ metric }) => metric.name);

describe('finding metrics', () => {
  it.each([
    ['HTTP', 'http.server.duration'],
    ['the heap', 'jvm.memory.used'],
    ['car', 'http.server.duration'],
  ])('%s is in a name, a description or a service, case aside', (text, name) => {
    expect(found(text)).toEqual([name]);
  });

  it('finds all by nothing, and nothing by what is nowhere', () => {
    expect(found('')).toHaveLength(2);
    expect(found('disk')).toEqual([]);
  });
});

it('tells metrics of one name apart', () => {
  const one = entry('queue.size', 'Entries.', ['cart']);
  const others = [{ unit: 'By' }, { type: 'sum' }, { temporality: 'delta' }, { monotonic: true }] as const;
  const all = [one, ...others.map((other) => ({ ...one, metric: { ...one.metric, ...other } }))];
  expect(new Set(all.map(metricKey)).size).toBe(all.length);
});

describe('metrics of one name', () => {
  const one = entry('queue.size', 'Entries.', ['cart']);
  const other = { ...one, metric: { ...one.metric, type: 'sum', unit: 'By' } as const };
  const names = namesOf([...metrics, one, other]);

  it('are named in the address by more, and found again', () => {
    for (const of of names.metrics) expect(metricOf(names, nameInAddress(of, names))).toBe(of);
    expect(nameInAddress(metrics[0]!, names)).toEqual({ name: 'http.server.duration' });
    expect(nameInAddress(other, names)).toEqual({ name: 'queue.size', type: 'sum', unit: 'By' });
    expect(metricOf(names, { name: 'queue.size' })).toBe(one);
    expect(metricOf(names, { name: 'gone' })).toBeUndefined();
  });

  it('are asked for apart', () => {
    expect(filtersOf(metrics[0]!, names)).toEqual([]);
    expect(filtersOf(one, names)).toEqual([
      { field: 'type', operator: 'eq', value: 'gauge' },
      { field: 'unit', operator: 'exists', value: false },
    ]);
    expect(filtersOf(other, names)[1]).toEqual({ field: 'unit', operator: 'eq', value: 'By' });
  });
});
