// From keys to what they mean: single keys, keys after another ("g t"), and keys with Ctrl or ⌘ ("Mod k"). Pure.

/** How long the second key of two may take, in milliseconds. */
const patience = 2_000;

export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export interface Pending {
  first: string;
  at: number;
}

export interface Meaning {
  /** The name of what was pressed, which is one of those known; undefined where it is none. */
  keys: string | undefined;
  /** What waits for a second key. */
  pending: Pending | undefined;
}

/** What a key means after what waits, among the keys that are known. */
export function meaningOf(
  stroke: Stroke,
  pending: Pending | undefined,
  known: (keys: string) => boolean,
  now: number,
): Meaning {
  const nothing = { keys: undefined, pending: undefined };
  if (stroke.altKey) return nothing;
  const key = stroke.key.length === 1 ? stroke.key : stroke.key.toLowerCase();
  // With Shift it is the browser's own: its console, for one.
  if ((stroke.ctrlKey || stroke.metaKey) && stroke.shiftKey) return nothing;
  if (stroke.ctrlKey || stroke.metaKey)
    return known(`Mod ${key.toLowerCase()}`) ? { keys: `Mod ${key.toLowerCase()}`, pending: undefined } : nothing;
  if (pending !== undefined && now - pending.at <= patience) {
    const both = `${pending.first} ${key}`;
    if (known(both)) return { keys: both, pending: undefined };
  }
  if (known(key)) return { keys: key, pending: undefined };
  return key === 'g' ? { keys: undefined, pending: { first: key, at: now } } : nothing;
}

const written = new Map([
  ['enter', '⏎'],
  ['escape', 'Esc'],
]);

/** How keys are written for people. */
export const keyNames = (keys: string, mac: boolean): readonly string[] =>
  keys.split(' ').map((key) => {
    if (key === 'Mod') return mac ? '⌘' : 'Ctrl';
    return written.get(key) ?? (keys.startsWith('Mod ') ? key.toUpperCase() : key);
  });
