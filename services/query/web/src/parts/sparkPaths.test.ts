import { expect, it } from 'vitest';
import { areaPath, barsPath, greatestOf, linePath } from './sparkPaths';

it('a line goes from value to value, the greatest at the top', () => {
  expect(linePath([0, 5, 10], 30, 20)).toBe('M5,20L15,10L25,0');
  expect(greatestOf([undefined, 3, 1])).toBe(3);
});

it('a line is broken where there is nothing, and what stands alone is to be seen', () => {
  expect(linePath([10, undefined, 5, undefined], 40, 20)).toBe('M0,0H10M20,10H30');
  expect(linePath([undefined, undefined], 40, 20)).toBe('');
  expect(linePath([0, 0], 40, 20)).toBe('M10,20L30,20');
});

it('an area is what is below the line', () => {
  expect(areaPath([5, 10], 20, 20)).toBe('M5,10L15,0L15,20H5Z');
  expect(areaPath([10, undefined, 5], 30, 20)).toBe('M0,0H10L10,20H0ZM20,10H30L30,20H20Z');
  expect(areaPath([], 30, 20)).toBe('');
});

it('bars stand on the ground, and none is too low to be seen', () => {
  expect(barsPath([0, 1, 100], 30, 20)).toBe('M10,20v-1h9v1zM20,20v-20h9v20z');
  expect(barsPath([0, undefined], 30, 20)).toBe('');
});
