import { formatClock, formatDay, instantFromMillis, instantToMillis, type Instant } from './instant';
import { isMoment } from './moment';
import { wallClock } from './zone';

/**
 * What the user asked for. A sliding range, of the last so long, is resolved anew at each refresh; a fixed one never moves.
 * This is the shape in the URL: ?range=1h, or ?from=…&to=… in RFC 3339.
 */
export type TimeRange = { kind: 'sliding'; last: Length } | { kind: 'fixed'; from: Date; to: Date };

/** A whole number of minutes, hours, days or weeks: "90m", "6h". Texts that are none are not made, see lengthFromText. */
export type Length = string;

/** A resolved range: both ends known, from before to. */
export interface Bounds {
  from: Instant;
  to: Instant;
}

/** The lengths that are offered. */
export const presets: readonly Length[] = ['5m', '15m', '30m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '30d'];

export const defaultRange: TimeRange = { kind: 'sliding', last: '1h' };

const minute = 60_000;
const units = new Map([
  ['m', { millis: minute, name: 'minute' }],
  ['h', { millis: 60 * minute, name: 'hour' }],
  ['d', { millis: 1_440 * minute, name: 'day' }],
  ['w', { millis: 7 * 1_440 * minute, name: 'week' }],
]);

/** Longer than anything is kept. */
const longest = 3_660 * 1_440 * minute;

function parts(length: Length): { count: number; millis: number; name: string } | undefined {
  const [, digits = '', letter = ''] = /^([1-9]\d{0,6})([mhdw])$/.exec(length) ?? [];
  const unit = units.get(letter);
  return unit === undefined ? undefined : { count: Number(digits), ...unit };
}

/** Undefined where the text is no length, or longer than anything is kept. */
export function lengthFromText(text: string | undefined): Length | undefined {
  const is = parts(text ?? '');
  return is === undefined || is.count * is.millis > longest ? undefined : text;
}

/** In milliseconds. */
export function millisOf(length: Length): number {
  const is = parts(length);
  return is === undefined ? 60 * minute : is.count * is.millis;
}

/** So many milliseconds as the text that says it shortest; up to the next minute, and to what is kept. */
export function lengthOf(millis: number): Length {
  const minutes = Math.min(Math.max(Math.ceil(millis / minute), 1), longest / minute);
  if (minutes % 1_440 === 0 && minutes > 1_440) return `${minutes / 1_440}d`;
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
}

/** "Last hour", "Last 90 minutes". */
export function lengthLabel(length: Length): string {
  const is = parts(length);
  if (is === undefined) return `Last ${length}`;
  return is.count === 1 ? `Last ${is.name}` : `Last ${is.count} ${is.name}s`;
}

/** How far the sender's clock may run ahead of ours before its newest items fall outside a sliding range. */
const aheadMillis = 5_000;

/** The ends of a range at a moment. A sliding one reaches slightly past now, for clocks that run ahead. */
export function resolveRange(range: TimeRange, nowMillis: number): Bounds {
  if (range.kind === 'fixed') {
    return { from: instantFromMillis(range.from.getTime()), to: instantFromMillis(range.to.getTime()) };
  }
  return {
    from: instantFromMillis(nowMillis - millisOf(range.last)),
    to: instantFromMillis(nowMillis + aheadMillis),
  };
}

/** Reads a range from URL parameters; anything unreadable or upside down is the default. */
export function rangeFromSearch(search: { range?: string; from?: string; to?: string }): TimeRange {
  if (search.from !== undefined && search.to !== undefined) {
    const from = new Date(search.from);
    const to = new Date(search.to);
    if (from.getTime() < to.getTime() && isMoment(from.getTime()) && isMoment(to.getTime())) {
      return { kind: 'fixed', from, to };
    }
  }
  const last = lengthFromText(search.range);
  return last === undefined ? defaultRange : { kind: 'sliding', last };
}

/** The URL parameters of a range. The default has none, so that the plain page keeps a plain address. */
export function rangeToSearch(range: TimeRange): { range?: string; from?: string; to?: string } {
  if (range.kind === 'fixed') return { from: range.from.toISOString(), to: range.to.toISOString() };
  return sameRange(range, defaultRange) ? {} : { range: range.last };
}

export function sameRange(a: TimeRange, b: TimeRange): boolean {
  if (a.kind === 'sliding') return b.kind === 'sliding' && a.last === b.last;
  return b.kind === 'fixed' && a.from.getTime() === b.from.getTime() && a.to.getTime() === b.to.getTime();
}

/** Twice as much of time: a sliding range longer, a fixed one around its middle, but not beyond now. */
export function widened(range: TimeRange, nowMillis: number): TimeRange {
  if (range.kind === 'sliding') return { kind: 'sliding', last: lengthOf(2 * millisOf(range.last)) };
  const [from, to] = [range.from.getTime(), range.to.getTime()];
  const span = Math.min(2 * (to - from), longest);
  const end = Math.max(Math.min(to + (span - (to - from)) / 2, nowMillis + aheadMillis), to);
  return { kind: 'fixed', from: new Date(Math.floor(end - span)), to: new Date(Math.ceil(end)) };
}

/** The range that shows the same whenever it is opened. */
export function pinned(range: TimeRange, nowMillis: number): TimeRange {
  const { from, to } = resolveRange(range, nowMillis);
  return { kind: 'fixed', from: new Date(instantToMillis(from)), to: new Date(instantToMillis(to)) };
}

/** What the range button says. */
export function rangeLabel(range: TimeRange, now: Date = new Date()): string {
  if (range.kind === 'sliding') return lengthLabel(range.last);
  const [from, to] = [instantFromMillis(range.from.getTime()), instantFromMillis(range.to.getTime())];
  const clock = (of: Date, instant: Instant) => {
    const text = formatClock(instant, 0);
    return of.getTime() % minute === 0 ? text.slice(0, 5) : text;
  };
  const [first, last] = [formatDay(from, now), formatDay(to, now)];
  const sameDay = dayOf(range.from) === dayOf(range.to);
  return `${first} ${clock(range.from, from)} – ${sameDay ? '' : `${last} `}${clock(range.to, to)}`;
}

const dayOf = (of: Date): string => wallClock(of.getTime()).toISOString().slice(0, 10);
