import { useSyncExternalStore } from 'react';
import { load, save } from './storage';

/** A choice that is kept in this browser, and that all who show it follow. */
export interface Preference<T extends string> {
  get: () => T;
  set: (value: T) => void;
  subscribe: (listener: () => void) => () => void;
}

/** `read` makes a value of what is kept, which may be nothing, or of another version. */
export function preference<T extends string>(key: string, read: (kept: string | null) => T): Preference<T> {
  let value = read(load(key));
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set: (next) => {
      if (next === value) return;
      value = next;
      save(key, next);
      for (const listener of listeners) listener();
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export const usePreference = <T extends string>(of: Preference<T>): T =>
  useSyncExternalStore(of.subscribe, of.get, of.get);
