// Keys that do something wherever on the page the focus is, but not where somebody types.

import { useEffect, useRef } from 'react';

/** Whether a key that is pressed there is a letter of what somebody writes, or chooses from a menu. */
export const isWriting = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest(
    'input, textarea, select, [contenteditable="true"], [role="menu"], [role="dialog"], [role="listbox"]',
  ) !== null;

/** What keys do, by what they write: "e", "E", "[". Undefined does nothing. */
export type Keystrokes = Readonly<Record<string, (() => void) | undefined>>;

export function useKeystrokes(keys: Keystrokes): void {
  const known = useRef(keys);
  useEffect(() => {
    known.current = keys;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
      if (!Object.hasOwn(known.current, event.key)) return;
      const act = known.current[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}
