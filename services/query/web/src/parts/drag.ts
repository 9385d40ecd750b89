import { useRef, useState, type PointerEvent } from 'react';

export interface Selection {
  /** Fractions of the element's width, from below to. */
  from: number;
  to: number;
}

/**
 * Selecting a stretch of an element by dragging across it. `selection` is the one under way; `onSelect` gets it when the
 * button is released. Less than four pixels is a click, which is left to the element.
 */
export function useDragSelection(onSelect: (selection: Selection) => void) {
  const start = useRef<number | undefined>(undefined);
  const [selection, setSelection] = useState<Selection>();
  const fraction = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  };
  const between = (event: PointerEvent<HTMLElement>): Selection | undefined => {
    if (start.current === undefined) return undefined;
    const end = fraction(event);
    if (Math.abs(end - start.current) * event.currentTarget.clientWidth < 4) return undefined;
    return { from: Math.min(start.current, end), to: Math.max(start.current, end) };
  };
  return {
    selection,
    handlers: {
      onPointerDown: (event: PointerEvent<HTMLElement>) => {
        if (event.button === 0) start.current = fraction(event);
      },
      onPointerMove: (event: PointerEvent<HTMLElement>) => {
        const now = between(event);
        if (now !== undefined && selection === undefined) event.currentTarget.setPointerCapture(event.pointerId);
        setSelection(now);
      },
      onPointerUp: (event: PointerEvent<HTMLElement>) => {
        const done = between(event);
        start.current = undefined;
        setSelection(undefined);
        if (done !== undefined) onSelect(done);
      },
      onPointerCancel: () => {
        start.current = undefined;
        setSelection(undefined);
      },
    },
  };
}

/** A rectangle in fractions of an element, from its left and from its bottom. */
export interface Rectangle {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

/**
 * Selecting a rectangle of an element by dragging from one corner to the other; a click selects the point. `selection` is
 * the one under way; `onSelect` gets it when the button is released.
 */
export function useBoxSelection(onSelect: (selection: Rectangle) => void) {
  const start = useRef<{ x: number; y: number } | undefined>(undefined);
  const [selection, setSelection] = useState<Rectangle>();
  const place = (event: PointerEvent<HTMLElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const clamp = (fraction: number) => Math.min(Math.max(fraction, 0), 1);
    return { x: clamp((event.clientX - box.left) / box.width), y: clamp((box.bottom - event.clientY) / box.height) };
  };
  const between = (event: PointerEvent<HTMLElement>): Rectangle | undefined => {
    const from = start.current;
    if (from === undefined) return undefined;
    const to = place(event);
    return {
      left: Math.min(from.x, to.x),
      right: Math.max(from.x, to.x),
      bottom: Math.min(from.y, to.y),
      top: Math.max(from.y, to.y),
    };
  };
  return {
    selection,
    handlers: {
      onPointerDown: (event: PointerEvent<HTMLElement>) => {
        if (event.button !== 0) return;
        start.current = place(event);
        event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove: (event: PointerEvent<HTMLElement>) => setSelection(between(event)),
      onPointerUp: (event: PointerEvent<HTMLElement>) => {
        const done = between(event);
        start.current = undefined;
        setSelection(undefined);
        if (done !== undefined) onSelect(done);
      },
      onPointerCancel: () => {
        start.current = undefined;
        setSelection(undefined);
      },
    },
  };
}
