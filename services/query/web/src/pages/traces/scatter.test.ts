import { describe, expect, it } from 'vitest';
import type { TraceSummary } from '../../api/model';
import { layoutScatter, nearestDot } from './scatter';

const trace = (millis: number, duration: number, errors = 0): TraceSummary => ({
  traceId: String(millis),
  root: { spanId: '', name: 'GET /', service: 'web', kind: 'server', status: 'unset', attributes: [] },
  rootMissing: false,
  start: BigInt(millis) * 1_000_000n,
  duration,
  spans: 1,
  errors,
  services: [],
});
const bounds = { from: 0n, to: 1_000_000_000n };

describe('the chart of traces', () => {
  it('spans the whole range when everything is loaded', () => {
    const { dots, low, high } = layoutScatter([trace(500, 1e6), trace(250, 10e6)], bounds, false);
    expect(dots.map((d) => [d.x, d.y])).toEqual([
      [0.5, 0],
      [0.25, 1],
    ]);
    expect([low, high]).toEqual([1e6, 1e7]);
  });

  it('spans the loaded traces when there is more', () => {
    const { dots, from } = layoutScatter([trace(900, 5e6), trace(800, 5e6)], bounds, true);
    expect(from).toBe(800);
    expect(dots.map((d) => d.x)).toEqual([1, 0]);
  });

  it('draws errors last', () => {
    const { dots } = layoutScatter([trace(1, 1e6, 2), trace(2, 1e6)], bounds, false);
    expect(dots.map((d) => d.trace.errors)).toEqual([0, 2]);
  });

  it('stays on the plot for no traces, no duration and clocks that run ahead', () => {
    expect(layoutScatter([], bounds, true).dots).toEqual([]);
    for (const dot of layoutScatter([trace(1_500, 0), trace(-5, 1e6)], bounds, false).dots) {
      expect(dot.x).toBeGreaterThanOrEqual(0);
      expect(dot.x).toBeLessThanOrEqual(1);
      expect(dot.y).toBeGreaterThanOrEqual(0);
    }
  });

  it('finds the dot under the pointer', () => {
    const { dots } = layoutScatter([trace(500, 1e6), trace(250, 10e6)], bounds, false);
    const size = { width: 100, height: 100 };
    expect(nearestDot(dots, { x: 49, y: 98 }, size, 8)?.trace.traceId).toBe('500');
    expect(nearestDot(dots, { x: 80, y: 20 }, size, 8)).toBeUndefined();
  });
});
