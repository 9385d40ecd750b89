// What the page of settings shows, as its address has it, and what somebody may do there. Pure.

import type {
  DeadLetter,
  DeadLetterSelection,
  Key,
  KeyScope,
  SignalName,
  SignalStats,
  Usage,
} from '../../api/installation';
import { compact, one } from '../../route/search';

/** In the order in which they stand. */
export const tabs = [
  { id: 'retention', label: 'Retention' },
  { id: 'keys', label: 'Keys' },
  { id: 'usage', label: 'Usage' },
  { id: 'storage', label: 'Storage' },
  { id: 'dead-letters', label: 'Dead letters' },
  { id: 'send', label: 'Send data' },
  { id: 'about', label: 'About' },
] as const;

export type Tab = (typeof tabs)[number]['id'];

export const signals: readonly SignalName[] = ['traces', 'logs', 'metrics'];

export interface SettingsSearch {
  /** The first unless it is given. */
  tab?: Tab;
  /** Dead letters of one signal, and of one error. */
  signal?: SignalName;
  code?: string;
  /** The dead letter that is looked at, by its sequence. */
  letter?: string;
  /** Usage of all tenants. */
  all?: '1';
}

export function settingsSearch(search: Record<string, unknown>): SettingsSearch {
  const letter = one(search, 'letter');
  return compact({
    tab: tabs.map(({ id }) => id).find((id) => id !== 'retention' && id === one(search, 'tab')),
    signal: signals.find((signal) => signal === one(search, 'signal')),
    code: one(search, 'code'),
    letter: letter !== undefined && /^[1-9]\d{0,15}$/.test(letter) ? letter : undefined,
    all: one(search, 'all') === '1' ? ('1' as const) : undefined,
  });
}

/** Whether scopes allow what needs `needed`: who may do everything may do what an editor may. */
export const may = (scopes: readonly KeyScope[], needed: KeyScope): boolean =>
  scopes.includes(needed) || (needed === 'edit' && scopes.includes('admin'));

export type KeyState = 'good' | 'expired' | 'revoked';

export function stateOf({ revoked_at, expires_at }: Key, nowMillis: number): KeyState {
  if (revoked_at !== undefined) return 'revoked';
  return expires_at !== undefined && Date.parse(expires_at) <= nowMillis ? 'expired' : 'good';
}

const day = 86_400_000;

/** A UTC day, "2026-11-28". */
export const utcDay = (millis: number): string => new Date(millis).toISOString().slice(0, 10);

/**
 * What keeping data for fewer days does to what there is: from which UTC day on it would be kept, and how many whole days before it lie that
 * hold something, as far as the oldest tells. Undefined where nothing would go.
 */
export function losing(
  days: number,
  before: number,
  oldestMillis: number | undefined,
  nowMillis: number,
): { keptFrom: string; atMost: number | undefined } | undefined {
  if (days >= before) return undefined;
  const from = Math.floor(nowMillis / day) * day - days * day;
  const atMost = oldestMillis === undefined ? undefined : Math.max(0, Math.ceil((from - oldestMillis) / day));
  return { keptFrom: utcDay(from), atMost };
}

/** Milliseconds of "1764338607000000000"; undefined where there is none. */
export const millisOf = (nanos: string | undefined): number | undefined =>
  nanos === undefined || nanos === '0' ? undefined : Number(BigInt(nanos) / 1_000_000n);

/** Items a second over what is kept; undefined where that is too short to tell. */
export function rateOf({ total }: SignalStats): number | undefined {
  const [from, to] = [millisOf(total.oldest_unix_nano), millisOf(total.newest_unix_nano)];
  if (from === undefined || to === undefined || to - from < 60_000) return undefined;
  return total.items / ((to - from) / 1000);
}

export interface UsageRow {
  tenant: string;
  day: string;
  signal: SignalName;
  items: number;
  bytes: number;
  series: number;
}

/** Days with the newest first, and what they come to by signal. */
export function usageRows({ usage }: Usage): { rows: readonly UsageRow[]; totals: readonly UsageRow[] } {
  const place = (signal: SignalName) => signals.indexOf(signal);
  const rows = usage.toSorted(
    (a, b) => b.day.localeCompare(a.day) || a.tenant.localeCompare(b.tenant) || place(a.signal) - place(b.signal),
  );
  const totals = signals
    .map((signal) => rows.filter((row) => row.signal === signal))
    .filter((of) => of.length > 0)
    .map((of) => ({
      ...{ tenant: '', day: '', signal: of[0]!.signal },
      items: of.reduce((sum, { items }) => sum + items, 0),
      bytes: of.reduce((sum, { bytes }) => sum + bytes, 0),
      series: Math.max(...of.map(({ series }) => series)),
    }));
  return { rows, totals };
}

/** Those that are listed and no others: a letter that came since somebody looked was not meant. */
export function selectionOf(
  { signal, code }: Pick<SettingsSearch, 'signal' | 'code'>,
  letters: readonly DeadLetter[],
): DeadLetterSelection {
  return { ...compact({ signal, code }), through: letters.at(-1)?.sequence ?? 0 };
}
