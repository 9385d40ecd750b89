import { describe, expect, it } from 'vitest';
import { example } from './example';
import { layoutMap, nodeSize } from './layout';
import {
  detailAt,
  fit,
  leastScale,
  leastText,
  moved,
  readable,
  roomFor,
  textSize,
  viewFromText,
  viewToText,
  zoomed,
} from './view';

describe('the view of the map', () => {
  it('shows all of it at first, and not too large', () => {
    expect(fit({ width: 2000, height: 500 }, 1000, 800)).toEqual({ scale: 0.5, x: 1000, y: 250 });
    expect(fit({ width: 100, height: 100 }, 1000, 800).scale).toBe(1);
    expect(fit({ width: 0, height: 0 }, 0, 0).scale).toBe(leastScale);
  });

  it('keeps what is under the pointer when it comes closer', () => {
    const before = { scale: 0.5, x: 100, y: 100 };
    const at = { x: 200, y: -50 };
    const after = zoomed(before, 2, at);
    expect(after.scale).toBe(1);
    expect(after.x + at.x / after.scale).toBeCloseTo(before.x + at.x / before.scale);
    expect(after.y + at.y / after.scale).toBeCloseTo(before.y + at.y / before.scale);
    expect(zoomed(before, 1000).scale).toBe(3);
  });

  it('moves with the pointer', () => {
    expect(moved({ scale: 2, x: 10, y: 10 }, 20, -20)).toEqual({ scale: 2, x: 0, y: 20 });
  });

  it('is in the address', () => {
    const view = { scale: 0.75, x: 1200, y: -40 };
    expect(viewFromText(viewToText(view))).toEqual(view);
    for (const text of [undefined, '', '1', '1,2', '1,2,x', '0,1,2', '1,2,3,4', 'Infinity,1,2']) {
      expect(viewFromText(text)).toBeUndefined();
    }
  });

  it('is legible at every distance: no text is small, and none lies upon another', () => {
    const map = example(100);
    const { nodes } = layoutMap(map);
    for (const scale of [0.12, 0.2, 0.3, 0.5, 0.62, 0.75, 0.9, 1, 2, 3]) {
      const size = textSize(scale, 13);
      expect(size * scale).toBeGreaterThanOrEqual(leastText - 1e-9);
      if (detailAt(scale) === 'rate') expect(size * 2.3).toBeLessThanOrEqual(nodeSize.height);
      const legible = readable(nodes, scale);
      const shown = nodes.filter(({ node }) => legible.has(node.id));
      expect(shown.length).toBeGreaterThan(5);
      const width = roomFor(scale) * size * 0.56;
      const upon = shown.filter((a) =>
        shown.some((b) => a !== b && Math.abs(a.x - b.x) < width && Math.abs(a.y - b.y) < size),
      );
      expect(upon).toEqual([]);
    }
  });

  it('tells more the closer it is', () => {
    expect([0.2, 0.61, 0.62, 0.9].map(detailAt)).toEqual(['name', 'name', 'rate', 'all']);
    expect(roomFor(1)).toBeGreaterThanOrEqual(19);
  });
});
