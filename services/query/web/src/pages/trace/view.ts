// The stretch of a trace that the waterfall shows, and where a span stands in it. All in nanoseconds since the trace began.

import { useCallback, useEffect, useState } from 'react';
import { useAddress } from './address';

export interface View {
  from: number;
  to: number;
}

/** The narrowest stretch that can be shown: below this, bars are only rounding. */
const least = 100;

export const wholeView = (duration: number): View => ({ from: 0, to: Math.max(duration, 1) });

/** The view moved and shrunk so that it lies within the trace. */
export function clampView({ from, to }: View, duration: number): View {
  const total = Math.max(duration, 1);
  const width = Math.min(Math.max(to - from, Math.min(least, total)), total);
  const start = Math.min(Math.max(from, 0), total - width);
  return { from: start, to: start + width };
}

/** The view scaled by a factor (below 1: closer) around a fraction of its width, which stays where it is. */
export function zoomView(view: View, factor: number, around: number, duration: number): View {
  const width = view.to - view.from;
  const fixed = view.from + width * around;
  return clampView({ from: fixed - width * factor * around, to: fixed + width * factor * (1 - around) }, duration);
}

/** The view moved by a fraction of its width. */
export function panView(view: View, by: number, duration: number): View {
  const shift = (view.to - view.from) * by;
  return clampView({ from: view.from + shift, to: view.to + shift }, duration);
}

/** The part of a view between two fractions of its width. */
export function selectView(view: View, from: number, to: number, duration: number): View {
  const width = view.to - view.from;
  return clampView({ from: view.from + width * from, to: view.from + width * to }, duration);
}

export const isWhole = (view: View, duration: number): boolean => view.from <= 0 && view.to >= duration;

export interface Bar {
  /** Fractions of the view's width; clipped to it. */
  left: number;
  width: number;
  /** Where the span lies when it is not in view at all. */
  outside: 'before' | 'after' | undefined;
}

export function placeBar(offset: number, duration: number, view: View): Bar {
  const width = view.to - view.from;
  const begin = (offset - view.from) / width;
  const end = (offset + duration - view.from) / width;
  const outside = end < 0 ? 'before' : begin > 1 ? 'after' : undefined;
  const left = Math.min(Math.max(begin, 0), 1);
  const right = Math.min(Math.max(end, 0), 1);
  return { left, width: right - left, outside };
}

/** The form in the address: "1200~5000". */
export const viewToText = ({ from, to }: View): string => `${Math.floor(from)}~${Math.ceil(to)}`;

export function viewFromText(text: string | undefined, duration: number): View | undefined {
  const [from = NaN, to = NaN] = (text ?? '').split('~').map(Number);
  return from >= 0 && from < to && Number.isFinite(to) ? clampView({ from, to }, duration) : undefined;
}

/** Milliseconds without another change after which the address says what is in view. */
const pause = 300;

/**
 * The view of a trace: what the address says, or `first`. Spans that arrive late make a trace longer: a view of all of it stays
 * one.
 */
export function useView(duration: number, first: View = wholeView(duration)): readonly [View, (view: View) => void] {
  const { address, change } = useAddress();
  const [view, setView] = useState(() => viewFromText(address.zoom, duration) ?? first);
  const [lastDuration, setLastDuration] = useState(duration);
  if (lastDuration !== duration) {
    setLastDuration(duration);
    if (isWhole(view, lastDuration)) setView(wholeView(duration));
  }
  const told = isWhole(view, duration) ? undefined : viewToText(view);
  useEffect(() => {
    if (told === address.zoom) return;
    // Each turn of a wheel is a view: browsers refuse to be told of every one.
    const timer = window.setTimeout(() => change({ zoom: told }), pause);
    return () => window.clearTimeout(timer);
  }, [told, address.zoom, change]);
  return [view, useCallback((next: View) => setView(next), [])];
}
