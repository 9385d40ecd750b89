import { describe, expect, it } from 'vitest';
import { clampView, isWhole, panView, placeBar, selectView, wholeView, zoomView } from './view';

describe('the view of a trace', () => {
  it('never leaves the trace', () => {
    expect(clampView({ from: -50, to: 500 }, 1_000)).toEqual({ from: 0, to: 550 });
    expect(clampView({ from: 900, to: 1_400 }, 1_000)).toEqual({ from: 500, to: 1_000 });
    expect(clampView({ from: 10, to: 10 }, 1_000)).toEqual({ from: 10, to: 110 });
    expect(clampView({ from: 0, to: 5 }, 0)).toEqual({ from: 0, to: 1 });
    expect(isWhole(wholeView(1_000), 1_000)).toBe(true);
  });

  it('zooms around the pointer', () => {
    const closer = zoomView({ from: 0, to: 1_000 }, 0.5, 0.25, 1_000);
    expect(closer).toEqual({ from: 125, to: 625 });
    expect(zoomView(closer, 100, 0.25, 1_000)).toEqual({ from: 0, to: 1_000 });
  });

  it('pans and narrows', () => {
    expect(panView({ from: 100, to: 300 }, 0.5, 1_000)).toEqual({ from: 200, to: 400 });
    expect(panView({ from: 800, to: 1_000 }, 0.5, 1_000)).toEqual({ from: 800, to: 1_000 });
    expect(selectView({ from: 0, to: 1_000 }, 0.2, 0.6, 1_000)).toEqual({ from: 200, to: 600 });
  });
});

describe('a bar', () => {
  const view = { from: 100, to: 200 };

  it('stands where its span is', () => {
    expect(placeBar(120, 30, view)).toEqual({ left: 0.2, width: 0.3, outside: undefined });
  });

  it('is clipped to the view', () => {
    expect(placeBar(50, 1_000, view)).toEqual({ left: 0, width: 1, outside: undefined });
    expect(placeBar(150, 500, view)).toEqual({ left: 0.5, width: 0.5, outside: undefined });
  });

  it('says on which side it lies when it is out of view', () => {
    expect(placeBar(0, 10, view)).toMatchObject({ width: 0, outside: 'before' });
    expect(placeBar(500, 10, view)).toMatchObject({ width: 0, outside: 'after' });
  });
});
