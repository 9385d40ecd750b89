import { expect, it } from 'vitest';
import type { FigureGroup, Figures } from '../api/model';
import { instantFromMillis } from '../time/instant';
import { bySeverity, severityLayers } from './bySeverity';

const group = (name: string | undefined, items: number): FigureGroup => ({
  values: [name === undefined ? undefined : { type: 'string', value: name }],
  items,
  figures: [],
  series: [[items, 0], []],
  cells: [],
});

const figures: Figures = {
  groups: [group('error', 60), group('info', 120), group(undefined, 6)],
  other: group(undefined, 1),
  total: group(undefined, 187),
  timeline: { start: 0n, stepSeconds: 60, buckets: 2 },
  covered: { from: 0n, to: instantFromMillis(120_000), seconds: 120 },
  bands: [],
};

it('tells logs by severity, the least severe first, and what has none', () => {
  const list = bySeverity(figures);
  expect(list.map(({ label, count, counts, values }) => [label, count, counts, values])).toEqual([
    ['Info', 120, [120, 0], [2, 0]],
    ['Error', 60, [60, 0], [1, 0]],
    ['No severity', 6, [6, 0], [0.1, 0]],
    ['Others', 1, [1, 0], [1 / 60, 0]],
  ]);
  expect(severityLayers(list).map(({ colour }) => colour)).toEqual([
    'var(--info)',
    'var(--error)',
    'var(--ink-3)',
    'var(--ink-3)',
  ]);
});
