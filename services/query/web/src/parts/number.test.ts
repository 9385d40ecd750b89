import { expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatHundredths,
  formatMillis,
  formatNumber,
  formatPercent,
  formatPerSecond,
  formatRate,
  plural,
} from './number';

it('writes figures short', () => {
  expect([0, 9_999, 12_345, 4_560_000, 7e9].map(formatCount)).toEqual(['0', '9,999', '12.3k', '4.56M', '7G']);
  expect([0, 0.12345, 12.3456, 123_456, 1e-5, NaN].map(formatNumber)).toEqual([
    '0',
    '0.1235',
    '12.35',
    '123k',
    '1.00e-5',
    'NaN',
  ]);
  expect([0, 0.2, 12.512, 12_000, 0.05, 0.0005].map(formatRate)).toEqual([
    '0/s',
    '0.2/s',
    '12.5/s',
    '12k/s',
    '3/min',
    '1.8/h',
  ]);
  expect([0, 0.0001, 0.004, 0.125, 1].map(formatPercent)).toEqual(['0 %', '< 0.1 %', '0.4 %', '12.5 %', '100 %']);
  expect([0, 312, 12.3456, 999.9, 4_200, 1_300_000, -2e9, 5e12].map(formatBytes)).toEqual([
    '0 B',
    '312 B',
    '12.3 B',
    '1 kB',
    '4.2 kB',
    '1.3 MB',
    '-2 GB',
    '5 TB',
  ]);
  expect([plural(1, 'span'), plural(1_200, 'span'), plural(2, 'query', 'queries')]).toEqual([
    '1 span',
    '1,200 spans',
    '2 queries',
  ]);
});

it('writes the figures of a column with points that stand below each other', () => {
  expect([0, 0.004, 0.5, 9.474, 1_204.5].map(formatPerSecond)).toEqual(['0.00', '< 0.01', '0.50', '9.47', '1,204.50']);
  expect([0, 49_999, 312_000, 87.34e6, 12_400e6].map(formatMillis)).toEqual([
    '0.0',
    '< 0.1',
    '0.3',
    '87.3',
    '12,400.0',
  ]);
  expect([0, 0.0002, 0.0123, 1].map(formatHundredths)).toEqual(['0.0', '< 0.1', '1.2', '100.0']);
});
