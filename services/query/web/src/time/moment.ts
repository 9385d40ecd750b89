// Reads a moment that a person typed or pasted, by the clock of the zone that times are told in.

import { parseDuration } from './duration';
import { formatClock, instantFromMillis } from './instant';
import { momentOf, offsetAt, wallClock } from './zone';

/** What is understood, for those who ask. */
export const momentExamples = [
  '14:03',
  '2026-11-28 14:03:27',
  '28 Nov 14:03',
  'yesterday 9:00',
  'now-2h',
  '1764338607',
] as const;

const clock = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?`;
const day = String.raw`(\d{4})-(\d{1,2})-(\d{1,2})`;
const patterns = {
  withZone: new RegExp(String.raw`^${day}[T ]${clock}\s*(Z|UTC|[+-]\d{2}:?\d{2})$`, 'i'),
  day: new RegExp(String.raw`^${day}(?:[T ,]+${clock})?$`, 'i'),
  named: new RegExp(String.raw`^(\d{1,2})\.? ([a-z]{3})[a-z]*\.?(?: (\d{4}))?(?:[ ,]+${clock})?$`, 'i'),
  relative: new RegExp(String.raw`^(today|yesterday)(?:[ ,]+${clock})?$`, 'i'),
  clock: new RegExp(`^${clock}$`),
  ago: /^(?:now\s*)?[-−]\s*(.+)$|^(.+?)\s+ago$/i,
  epoch: /^\d{10}$|^\d{13}$|^\d{16}$|^\d{19}$/,
} as const;

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Whether anything can be of that moment: what is sent counts nanoseconds since 1970 in 63 bits, which end in 2262. */
export const isMoment = (millis: number): boolean => millis >= 0 && millis <= 9.2e12;

/**
 * Milliseconds since 1970, or undefined where the text is no moment that anything can be of. A clock alone is of today; a day alone
 * begins at midnight; a day without a year is the last one that there was.
 */
export function momentFromText(text: string, nowMillis: number): number | undefined {
  const millis = read(text, nowMillis);
  return millis !== undefined && isMoment(millis) ? millis : undefined;
}

function read(text: string, nowMillis: number): number | undefined {
  const input = text.trim().replace(/\s+/g, ' ');
  if (/^now$/i.test(input)) return nowMillis;
  if (patterns.epoch.test(input)) return epoch(input);
  if (patterns.withZone.test(input)) return withZone(input);
  const ago = patterns.ago.exec(input);
  if (ago !== null) {
    const nanos = parseDuration(ago[1] ?? ago[2] ?? '');
    return nanos === undefined ? undefined : nowMillis - nanos / 1e6;
  }
  const now = wallClock(nowMillis);
  const today = [now.getUTCFullYear(), now.getUTCMonth() + 1, now.getUTCDate()] as const;
  let found = patterns.day.exec(input);
  if (found !== null) return at([Number(found[1]), Number(found[2]), Number(found[3])], found.slice(4));
  found = patterns.clock.exec(input);
  if (found !== null) return at(today, found.slice(1));
  found = patterns.relative.exec(input);
  if (found !== null) {
    const back = found[1]?.toLowerCase() === 'yesterday' ? 1 : 0;
    return at([today[0], today[1], today[2] - back], found.slice(2), true);
  }
  const named = patterns.named.exec(input);
  if (named === null) return undefined;
  const [date, month] = [Number(named[1]), months.indexOf((named[2] ?? '').toLowerCase()) + 1];
  const of = (year: number) => at([year, month, date], named.slice(4));
  if (named[3] !== undefined) return of(Number(named[3]));
  const thisYear = of(today[0]);
  return thisYear !== undefined && thisYear > nowMillis + 86_400_000 ? of(today[0] - 1) : thisYear;
}

/** Seconds, milliseconds, microseconds or nanoseconds, by how many digits they have today. */
const epoch = (digits: string): number =>
  digits.length === 10 ? Number(digits) * 1000 : Math.floor(Number(digits) / 10 ** (digits.length - 13));

type Day = readonly [year: number, month: number, day: number];

/** `loose`: the day may be the 0th, which is the last one of the month before. */
function at([year, month, date]: Day, time: readonly (string | undefined)[], loose = false): number | undefined {
  const [hour, minute, second] = [0, 1, 2].map((i) => Number(time[i] ?? 0)) as [number, number, number];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (!loose) {
    const real = new Date(Date.UTC(year, month - 1, date));
    if (year < 1970 || real.getUTCMonth() !== month - 1 || real.getUTCDate() !== date) return undefined;
  }
  return momentOf(year, month, date, hour, minute, second) + fraction(time[3]);
}

const fraction = (digits: string | undefined): number => Math.floor(Number(`0.${digits ?? '0'}`) * 1000);

function withZone(text: string): number | undefined {
  const iso = text
    .replace(/\s*(?:Z|UTC)$/i, 'Z')
    .replace(/\s*([+-]\d{2}):?(\d{2})$/, '$1:$2')
    .replace(' ', 'T')
    .replace(',', '.');
  const millis = Date.parse(iso);
  return Number.isNaN(millis) ? undefined : Math.floor(millis);
}

/** "2026-11-28 14:03:27" in the zone: what can be read again, with its offset where the clock shows that hour twice. */
export function momentToText(millis: number): string {
  const wall = wallClock(millis);
  const text = `${wall.toISOString().slice(0, 10)} ${formatClock(instantFromMillis(millis), millis % 1000 === 0 ? 0 : 3)}`;
  return momentFromText(text, millis) === Math.floor(millis) ? text : `${text} ${offset(offsetAt(millis))}`;
}

/** "+01:00" */
function offset(millis: number): string {
  const minutes = Math.round(Math.abs(millis) / 60_000);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${millis < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
