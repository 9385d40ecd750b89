import { describe, expect, it } from 'vitest';
import type { Metric } from '../../api/model';
import { aggregationOf, glanceOf } from './aggregation';

const metric = (rest: Partial<Metric>): Metric => ({
  name: 'm',
  type: 'gauge',
  unit: 'By',
  description: '',
  temporality: 'unspecified',
  monotonic: false,
  ...rest,
});
const counter = metric({ type: 'sum', monotonic: true, temporality: 'cumulative' });
const usual = { quantiles: [], grouped: false };
const bare = (text: string) => text.replace(/[\u2068\u2069]/g, '');

describe('what is shown of a metric', () => {
  it.each([
    ['gauge', metric({}), 'value', { overTime: 'last', overSeries: 'none' }],
    ['up and down', metric({ type: 'sum', temporality: 'cumulative' }), 'value', { overTime: 'last' }],
    ['counter', counter, 'rate', { overTime: 'rate', overSeries: 'none' }],
    ['delta', metric({ type: 'sum', temporality: 'delta' }), 'rate', { overTime: 'rate' }],
    ['histogram', metric({ type: 'histogram' }), 'quantiles', { overSeries: 'quantile', quantiles: [0.5, 0.95, 0.99] }],
    ['exponential', metric({ type: 'exponential_histogram' }), 'quantiles', { overSeries: 'quantile' }],
    ['summary', metric({ type: 'summary' }), 'told', { overTime: 'last', value: 'quantile', quantiles: [0.5] }],
  ])('%s: follows the type unless somebody chooses', (_, of, way, question) => {
    const shown = aggregationOf(of, usual);
    expect(shown.way).toBe(way);
    expect(shown.question).toMatchObject(question);
  });

  it('is what somebody chose, where the type has it', () => {
    const asked = { ...usual, show: 'increase', across: 'max' };
    expect(aggregationOf(counter, asked).question).toEqual({ overTime: 'increase', overSeries: 'max' });
    expect(aggregationOf(metric({}), asked)).toMatchObject({ way: 'value', across: 'max' });
    const heat = aggregationOf(metric({ type: 'histogram' }), { ...usual, show: 'heatmap', across: 'sum' });
    expect(heat.question).toEqual({ overSeries: 'histogram' });
    expect(heat.acrossOf).toEqual([]);
  });

  it('of groups is never each series, which takes none', () => {
    const grouped = { quantiles: [], grouped: true, across: 'none' };
    expect(aggregationOf(counter, grouped).across).toBe('sum');
    expect(aggregationOf(metric({}), grouped).across).toBe('avg');
    expect(aggregationOf(metric({ type: 'sum' }), grouped).across).toBe('sum');
    expect(aggregationOf(metric({ type: 'summary' }), grouped)).toMatchObject({
      across: 'max',
      acrossOf: ['min', 'max'],
    });
    expect(aggregationOf(metric({ type: 'histogram' }), grouped).across).toBeUndefined();
  });

  it('has the unit of what it comes to', () => {
    const said = (of: Metric, show: string, across?: string) =>
      bare(aggregationOf(of, { ...usual, show, across }).unit.format(1_200));
    expect(said(counter, 'rate')).toBe('1.2 kB/s');
    expect(said(counter, 'increase')).toBe('1.2 kB');
    expect(said(counter, 'rate', 'count')).toBe('1200 series');
    expect(said(metric({ type: 'histogram' }), 'rate')).toBe('1200 observation/s');
    expect(said(metric({ type: 'histogram' }), 'sum')).toBe('1.2 kB/s');
  });

  it('at a glance is one line of all series together', () => {
    for (const type of ['gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'] as const) {
      const { question } = glanceOf(metric({ type }));
      expect(question.overSeries).not.toBe('none');
      expect(question.quantiles?.length ?? 1).toBe(1);
    }
  });
});
