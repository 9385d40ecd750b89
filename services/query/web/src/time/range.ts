import { instantFromMillis, type Instant } from './instant';

/**
 * What the user asked for. A sliding range is resolved anew at each refresh; a fixed one never moves.
 * This is the shape in the URL: ?range=1h, or ?from=…&to=… in RFC 3339.
 */
export type TimeRange = { kind: 'sliding'; preset: Preset } | { kind: 'fixed'; from: Date; to: Date };

/** A resolved range: both ends known, from before to. */
export interface Bounds {
  from: Instant;
  to: Instant;
}

export const presets = [
  { id: '5m', label: 'Last 5 minutes', millis: 5 * 60_000 },
  { id: '15m', label: 'Last 15 minutes', millis: 15 * 60_000 },
  { id: '30m', label: 'Last 30 minutes', millis: 30 * 60_000 },
  { id: '1h', label: 'Last hour', millis: 3_600_000 },
  { id: '3h', label: 'Last 3 hours', millis: 3 * 3_600_000 },
  { id: '6h', label: 'Last 6 hours', millis: 6 * 3_600_000 },
  { id: '12h', label: 'Last 12 hours', millis: 12 * 3_600_000 },
  { id: '24h', label: 'Last 24 hours', millis: 24 * 3_600_000 },
  { id: '7d', label: 'Last 7 days', millis: 7 * 24 * 3_600_000 },
] as const;

export type Preset = (typeof presets)[number]['id'];

export const defaultRange: TimeRange = { kind: 'sliding', preset: '1h' };

const millisOf = (preset: Preset): number => presets.find((p) => p.id === preset)!.millis;

/** How far the sender's clock may run ahead of ours before its newest items fall outside a sliding range. */
const aheadMillis = 5_000;

/** The ends of a range at a moment. A sliding one reaches slightly past now, for clocks that run ahead. */
export function resolveRange(range: TimeRange, nowMillis: number): Bounds {
  if (range.kind === 'fixed') {
    return { from: instantFromMillis(range.from.getTime()), to: instantFromMillis(range.to.getTime()) };
  }
  return {
    from: instantFromMillis(nowMillis - millisOf(range.preset)),
    to: instantFromMillis(nowMillis + aheadMillis),
  };
}

/** Reads a range from URL parameters; anything unreadable or upside down is the default. */
export function rangeFromSearch(search: { range?: string; from?: string; to?: string }): TimeRange {
  if (search.from !== undefined && search.to !== undefined) {
    const from = new Date(search.from);
    const to = new Date(search.to);
    if (from.getTime() < to.getTime()) return { kind: 'fixed', from, to };
  }
  const preset = presets.find((p) => p.id === search.range);
  return preset === undefined ? defaultRange : { kind: 'sliding', preset: preset.id };
}

/** The URL parameters of a range. The default has none, so that the plain page keeps a plain address. */
export function rangeToSearch(range: TimeRange): { range?: string; from?: string; to?: string } {
  if (range.kind === 'fixed') return { from: range.from.toISOString(), to: range.to.toISOString() };
  return sameRange(range, defaultRange) ? {} : { range: range.preset };
}

export function sameRange(a: TimeRange, b: TimeRange): boolean {
  if (a.kind === 'sliding') return b.kind === 'sliding' && a.preset === b.preset;
  return b.kind === 'fixed' && a.from.getTime() === b.from.getTime() && a.to.getTime() === b.to.getTime();
}

/** What the range button says. */
export function rangeLabel(range: TimeRange, now: Date = new Date()): string {
  if (range.kind === 'sliding') return presets.find((p) => p.id === range.preset)!.label;
  const day = (d: Date) =>
    d.toLocaleDateString(undefined, {
      day: 'numeric',
      month: 'short',
      ...(d.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
    });
  const clock = (d: Date) =>
    d.toLocaleTimeString(undefined, {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(d.getSeconds() === 0 ? {} : { second: '2-digit' }),
    });
  const sameDay = range.from.toDateString() === range.to.toDateString();
  return `${day(range.from)} ${clock(range.from)} – ${sameDay ? '' : `${day(range.to)} `}${clock(range.to)}`;
}
