import { describe, expect, it } from 'vitest';
import { span } from './example';
import { raster } from './raster';
import { buildTree } from './tree';

const cart = { service: 'cart' };

describe('the strip of all spans', () => {
  it('has a run for each span where there is room', () => {
    const tree = buildTree([span('a', '', 0, 100), span('b', 'a', 50, 25, cart)]);
    expect(raster(tree, 100, 2)).toEqual([
      { line: 0, from: 0, to: 100, colour: 0 },
      { line: 1, from: 50, to: 75, colour: 1 },
    ]);
  });

  it('shows the shortest span, at the very end too, and errors above all else', () => {
    const tree = buildTree([
      span('a', '', 0, 100),
      span('b', 'a', 100, 0, { status: 'error' }),
      span('c', 'a', 100, 0, cart),
    ]);
    expect(raster(tree, 10, 1)).toEqual([
      { line: 0, from: 0, to: 9, colour: 0 },
      { line: 0, from: 9, to: 10, colour: -1 },
    ]);
  });

  it('is no larger for fifty thousand spans', () => {
    const spans = Array.from({ length: 50_000 }, (_, i) => span(`s${i}`, i === 0 ? '' : 's0', i, 1, i % 2 ? cart : {}));
    expect(raster(buildTree(spans), 300, 40).length).toBeLessThanOrEqual(300 * 40);
  });

  it('is nothing where there is no room, or no span', () => {
    expect(raster(buildTree([span('a', '', 0, 100)]), 0, 10)).toEqual([]);
    expect(raster(buildTree([]), 10, 10)).toEqual([]);
  });
});
