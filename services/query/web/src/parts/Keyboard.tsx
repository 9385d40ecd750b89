import { useNavigate } from '@tanstack/react-router';
import {
  createContext,
  lazy,
  Suspense,
  use,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from 'react';
import { focusList, focusPage, focusQuery, leaveField, typesIn } from './focus';
import { meaningOf, type Pending } from './keystrokes';
import { places } from './places';
import { useRefresh } from './refresh';

/** What keys do. */
export interface Shortcut {
  keys: string;
  /** For those who ask what can be pressed. */
  what: string;
  run: () => void;
}

interface Keyboard {
  /** Until the result is called. Of several for the same keys the newest counts. */
  add: (shortcut: Shortcut) => () => void;
  /** Opens the palette. */
  palette: () => void;
}

const KeyboardContext = createContext<Keyboard | null>(null);

/** Lets keys do something while this is shown; nothing while `run` is undefined. */
export function useShortcut(keys: string, what: string, run: (() => void) | undefined): void {
  const keyboard = use(KeyboardContext);
  const newest = useRef(run);
  useEffect(() => {
    newest.current = run;
  });
  const active = run !== undefined;
  useEffect(
    () => (active ? keyboard?.add({ keys, what, run: () => newest.current?.() }) : undefined),
    [keyboard, keys, what, active],
  );
}

/** Opens the palette; undefined where there is none. */
export const usePalette = (): (() => void) | undefined => use(KeyboardContext)?.palette;

// Apart from the shell: most visits need neither.
const Palette = lazy(() => import('./Palette').then((m) => ({ default: m.Palette })));
const KeyboardHelp = lazy(() => import('./KeyboardHelp').then((m) => ({ default: m.KeyboardHelp })));

/** Keys for those who would rather not reach for the mouse; `?` tells which. */
export function KeyboardProvider({ children }: { children: ReactNode }) {
  const shortcuts = useRef<readonly Shortcut[]>([]);
  const [shown, setShown] = useState<'palette' | readonly Shortcut[]>();
  const add = useCallback((shortcut: Shortcut) => {
    shortcuts.current = [shortcut, ...shortcuts.current];
    return () => {
      shortcuts.current = shortcuts.current.filter((s) => s !== shortcut);
    };
  }, []);
  useEffect(() => {
    let pending: Pending | undefined;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || !(event.target instanceof Element)) return;
      const find = (keys: string) => shortcuts.current.find((s) => s.keys === keys);
      const meaning = meaningOf(event, pending, (keys) => find(keys) !== undefined, Date.now());
      pending = undefined;
      const typing = typesIn(event.target);
      if (typing !== undefined && meaning.keys?.startsWith('Mod ') !== true) {
        if (typing === 'field' && event.key === 'Escape') leaveField(event.target);
        return;
      }
      pending = meaning.pending;
      const shortcut = meaning.keys === undefined ? undefined : find(meaning.keys);
      if (shortcut === undefined) return;
      event.preventDefault();
      // A key that is held down goes on along a list, and does nothing else again.
      if (event.repeat && !['j', 'k', '[', ']'].includes(shortcut.keys)) return;
      shortcut.run();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  // Who closes what was opened is where he was.
  const before = useRef<Element | null>(null);
  const open = shown !== undefined;
  useEffect(() => {
    if (!open) return;
    before.current ??= document.activeElement;
    return () => {
      const was = before.current;
      before.current = null;
      if (was instanceof HTMLElement && was.isConnected && was !== document.body) was.focus();
      else focusPage();
    };
  }, [open]);
  const palette = useCallback(() => setShown((now) => (now === 'palette' ? undefined : 'palette')), []);
  const help = useCallback(() => setShown(shortcuts.current), []);
  const close = useCallback(() => setShown(undefined), []);
  const keyboard = useMemo(() => ({ add, palette }), [add, palette]);
  return (
    <KeyboardContext value={keyboard}>
      <Everywhere showHelp={help} showPalette={palette} />
      {children}
      <Suspense>
        {shown === 'palette' && <Palette onClose={close} onHelp={help} />}
        {shown !== undefined && shown !== 'palette' && <KeyboardHelp shortcuts={shown} onClose={close} />}
      </Suspense>
    </KeyboardContext>
  );
}

/** What keys do on every page. The last is told first. */
function Everywhere({ showHelp, showPalette }: { showHelp: () => void; showPalette: () => void }) {
  const { now } = useRefresh();
  useShortcut('?', 'Show what keys do', showHelp);
  useShortcut('r', 'Refresh', now);
  useShortcut('k', 'To the list, at its end', () => focusList('last'));
  useShortcut('j', 'To the list, at its beginning', () => focusList('first'));
  useShortcut('/', 'To the query, or to what one can find by', focusQuery);
  useShortcut('Mod k', 'Find pages, services, metrics, queries; paste a trace id', showPalette);
  return places.toReversed().map((place) => <GoTo key={place.to} {...place} />);
}

function GoTo({ to, label, letter }: (typeof places)[number]) {
  const navigate = useNavigate();
  useShortcut(`g ${letter}`, `Go to ${label}`, () => void navigate({ to, search: {} }));
  return null;
}
