import { describe, expect, it } from 'vitest';
import { anotherMetric, labelFromText, labelToText, metricsSearch, quantilesFrom, topOf } from './view';

describe("the metrics page's part of the address", () => {
  it('is what it says, as far as it can be understood', () => {
    const search = {
      ...{ name: 'http.server.request.duration', q: 'service = cart', show: 'quantiles', by: ['service', 'service'] },
      ...{
        quantile: ['0.99', '0.5', '7', 'x', '0.5'],
        top: '20',
        cardinality: 'on',
        exemplars: 'off',
        folder: 'http.',
      },
    };
    expect(metricsSearch(search)).toEqual({
      ...search,
      by: ['service'],
      quantile: ['0.5', '0.99'],
      folder: ['http.'],
    });
    expect(metricsSearch({ cardinality: 'x', top: '10', exemplars: 'on', by: ['a', 'b', 'c', 'd'] })).toEqual({
      by: ['a', 'b', 'c'],
    });
  });

  it('has quantiles that there are', () => {
    expect(quantilesFrom(['0', '1', '-0.1', '1.1', 'NaN', '0.95'])).toEqual([0, 0.95, 1]);
    expect(topOf({ top: '50' })).toBe(50);
    expect(topOf({ top: '51' })).toBe(10);
  });

  it('keeps nothing of one metric for the next but how it was found', () => {
    const search = metricsSearch({
      name: 'a',
      q: 'service = cart',
      by: ['service'],
      alone: 'x',
      find: 'a',
      show: 'rate',
    });
    expect(anotherMetric(search)).toEqual({ q: 'service = cart', find: 'a' });
  });
});

it('names labels in the address, whatever their keys are', () => {
  for (const scope of ['attributes', 'resource'] as const)
    for (const key of ['host.name', 'attributes.x', '__proto__', ''])
      expect(labelFromText(labelToText({ scope, key }))).toEqual({ scope, key });
  expect(labelFromText('scope.name')).toBeUndefined();
  expect(labelFromText(undefined)).toBeUndefined();
});
