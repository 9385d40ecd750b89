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
