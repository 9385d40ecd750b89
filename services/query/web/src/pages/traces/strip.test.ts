import { expect, it } from 'vitest';
import type { Figures } from '../../api/model';
import { stripLayers } from './strip';

const figures: Figures = {
  groups: [],
  other: undefined,
  total: {
    values: [],
    items: 9,
    figures: [],
    // count, errors, rate, p50, p95
    series: [
      [4, 0, 5],
      [0, 0, 2],
      [0.5, 0, 0.25],
      [1e6, undefined, 1e6],
      [3e6, undefined, 74e6],
    ],
    cells: [],
  },
  timeline: { start: 0n, stepSeconds: 60, buckets: 3 },
  covered: { from: 0n, to: 0n, seconds: 0 },
  bands: [],
};

it('stands what went well on what failed, and draws no duration where nothing is', () => {
  const { bars, rates, durations } = stripLayers(figures);
  expect(bars.map(({ count, errors }) => [count, errors])).toEqual([
    [4, 0],
    [0, 0],
    [5, 2],
  ]);
  expect(rates.map(({ label, values }) => [label, values])).toEqual([
    ['failed', [0, 0, 0.1]],
    ['good', [0.5, 0, 0.15]],
  ]);
  expect(durations[0]?.values).toEqual([3e6, undefined, 74e6]);
});

it('is empty for no buckets', () => {
  expect(stripLayers({ ...figures, timeline: undefined }).bars).toEqual([]);
});
