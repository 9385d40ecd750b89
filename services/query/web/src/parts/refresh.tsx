import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { load, save } from './storage';

/** Seconds between refreshes; 0 is never. */
export const intervals = [0, 5, 10, 30, 60] as const;
export type Interval = (typeof intervals)[number];

interface Refresh {
  /** Grows with every refresh; part of the key of every query whose range slides. */
  tick: number;
  interval: Interval;
  /** Why automatic refreshing waits just now, or undefined. */
  held: string | undefined;
  setInterval: (interval: Interval) => void;
  now: () => void;
  hold: (reason: string) => () => void;
}

const RefreshContext = createContext<Refresh | null>(null);

const stored = (): Interval => intervals.find((i) => String(i) === load('refresh')) ?? 10;

export function RefreshProvider({ children }: { children: ReactNode }) {
  const [tick, setTick] = useState(0);
  const [interval, setIntervalState] = useState<Interval>(stored);
  const [holds, setHolds] = useState<readonly { reason: string }[]>([]);
  const held = holds[0]?.reason;

  const now = useCallback(() => setTick((t) => t + 1), []);
  const hold = useCallback((reason: string) => {
    const mine = { reason };
    setHolds((all) => [...all, mine]);
    return () => setHolds((all) => all.filter((h) => h !== mine));
  }, []);
  const change = useCallback((next: Interval) => {
    setIntervalState(next);
    save('refresh', String(next));
  }, []);

  useEffect(() => {
    if (interval === 0 || held !== undefined) return;
    let last = Date.now();
    const refresh = () => {
      if (document.visibilityState === 'hidden') return;
      last = Date.now();
      now();
    };
    // A tab that comes back to the front catches up at once.
    const shown = () => {
      if (Date.now() - last >= interval * 1000) refresh();
    };
    const timer = window.setInterval(refresh, interval * 1000);
    document.addEventListener('visibilitychange', shown);
    return () => {
      window.clearInterval(timer);
      document.removeEventListener('visibilitychange', shown);
    };
  }, [interval, held, now]);

  const value = useMemo(
    () => ({ tick, interval, held, setInterval: change, now, hold }),
    [tick, interval, held, change, now, hold],
  );
  return <RefreshContext value={value}>{children}</RefreshContext>;
}

export function useRefresh(): Refresh {
  const refresh = use(RefreshContext);
  if (refresh === null) throw new Error('useRefresh outside of RefreshProvider');
  return refresh;
}

/** Holds automatic refreshing for as long as there is a reason: what someone reads must not move. */
export function useHoldRefresh(reason: string | undefined): void {
  const { hold } = useRefresh();
  useEffect(() => (reason === undefined ? undefined : hold(reason)), [hold, reason]);
}
