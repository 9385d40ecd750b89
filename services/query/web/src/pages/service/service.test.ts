import { describe, expect, it } from 'vitest';
import type { FigureGroup, Figures, InstanceList } from '../../api/model';
import { instantFromMillis } from '../../time/instant';
import { durationLayers, newVersions, ofService, rateLayers, redMeasures, requestsOf } from './service';

const at = (seconds: number) => instantFromMillis(seconds * 1000);
const timeline = { start: at(0), stepSeconds: 60, buckets: 2 };
const covered = { from: at(0), to: at(120), seconds: 120 };

const group = (told: Partial<FigureGroup>): FigureGroup => ({
  values: [],
  items: 0,
  figures: [],
  series: [],
  cells: [],
  ...told,
});
const figures = (told: Partial<Figures>): Figures => ({
  groups: [],
  other: undefined,
  total: group({}),
  timeline,
  covered,
  bands: [],
  ...told,
});

describe('the page of a service', () => {
  it('asks for its requests, and for all its spans where it has none', () => {
    const cart = { name: 'cart', namespace: undefined };
    expect(requestsOf(cart, 'all')).toEqual([{ field: 'service', operator: 'eq', value: 'cart' }]);
    expect(requestsOf(cart, 'entry')[1]).toEqual({ field: 'kind', operator: 'in', value: ['server', 'consumer'] });
    expect(ofService({ name: 'cart', namespace: 'shop' })[1]).toEqual({
      field: 'namespace',
      operator: 'eq',
      value: 'shop',
    });
  });

  it('draws what was asked for in that order', () => {
    expect(redMeasures).toEqual([
      { measure: 'count' },
      { measure: 'errors' },
      { measure: 'p50', field: 'duration' },
      { measure: 'p95', field: 'duration' },
      { measure: 'p99', field: 'duration' },
    ]);
    const answer = figures({
      total: group({
        series: [
          [120, 60],
          [30, 0],
          [1, undefined],
          [2, undefined],
          [3, undefined],
        ],
      }),
    });
    expect(rateLayers(answer, timeline).map(({ label, values }) => [label, values])).toEqual([
      ['ok', [1.5, 1]],
      ['failed', [0.5, 0]],
    ]);
    expect(durationLayers(answer).map(({ label, values }) => [label, values])).toEqual([
      ['p99', [3, undefined]],
      ['p95', [2, undefined]],
      ['p50', [1, undefined]],
    ]);
  });

  it('marks the versions that came in the range', () => {
    const version = (name: string, first: number) => ({ version: name, firstSeen: at(first) });
    const list = { versions: [version('1.0', 0), version('1.1', 60), version('', 70)] } as unknown as InstanceList;
    expect(newVersions(list, { from: at(0), to: at(120) })).toEqual([{ at: at(60), label: '1.1' }]);
  });
});
