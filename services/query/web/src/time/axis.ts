import { formatDuration } from './duration';
import { formatDay, instantFromMillis } from './instant';
import { momentOf, offsetAt, wallClock } from './zone';

export interface Tick {
  /** Position as a fraction of the axis, 0 to 1. */
  at: number;
  label: string;
}

/** The round step (1, 2, 2.5 or 5 times a power of ten, or a round number of minutes and hours) nearest above raw. */
export function niceStep(raw: number): number {
  const minute = 60e9;
  if (raw > 30e9) {
    for (const step of [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440]) {
      if (step * minute >= raw) return step * minute;
    }
    return Math.ceil(raw / (1440 * minute)) * 1440 * minute;
  }
  const power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  for (const factor of [1, 2, 2.5, 5, 10]) {
    if (factor * power >= raw * 0.999) return factor * power;
  }
  return 10 * power;
}

/** Ticks at round offsets between from and to (nanoseconds since the start of the trace), about `count` of them. */
export function durationTicks(from: number, to: number, count: number): Tick[] {
  const span = to - from;
  if (!(span > 0) || count < 1) return [{ at: 0, label: formatDuration(Math.max(from, 0)) }];
  const step = niceStep(span / count);
  const ticks: Tick[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) {
    const at = (i * step - from) / span;
    ticks.push({ at: Math.min(Math.max(at, 0), 1), label: formatDuration(i * step) });
  }
  return ticks;
}

/** Ticks at round times of the chosen zone between two moments in milliseconds, about `count` of them. */
export function clockTicks(fromMillis: number, toMillis: number, count: number): Tick[] {
  const span = toMillis - fromMillis;
  if (!(span > 0) || count < 1) return [];
  const step = Math.max(niceStep((span / count) * 1e6) / 1e6, 1);
  // Round by the clock that people read, on the day that it is changed, too: an axis in UTC hours looks odd in zones that are off by half an hour.
  const zone = offsetAt(fromMillis);
  const ticks: Tick[] = [];
  let last = -Infinity;
  for (let wall = Math.ceil((fromMillis + zone) / step) * step; ; wall += step) {
    const at = step < 3_600_000 ? wall - zone : shownAt(wall);
    if (at > toMillis) break;
    if (at < fromMillis || at <= last) continue;
    last = at;
    const label = step >= 86_400_000 ? formatDay(instantFromMillis(at)) : clockOf(at, step < 60_000);
    ticks.push({ at: (at - fromMillis) / span, label });
  }
  return ticks;
}

/** When the clock shows what it would show in UTC at a moment. */
function shownAt(wall: number): number {
  const w = new Date(wall);
  return momentOf(w.getUTCFullYear(), w.getUTCMonth() + 1, w.getUTCDate(), w.getUTCHours(), w.getUTCMinutes());
}

function clockOf(millis: number, seconds: boolean): string {
  return wallClock(millis)
    .toISOString()
    .slice(11, seconds ? 19 : 16);
}

/** Powers of ten between two durations, for a logarithmic axis; positions from the bottom. */
export function logTicks(low: number, high: number): Tick[] {
  const from = Math.log10(low);
  const span = Math.log10(high) - from;
  if (!(span > 0)) return [];
  const ticks: Tick[] = [];
  for (let power = Math.ceil(from - 1e-9); power <= Math.log10(high) + 1e-9; power++) {
    ticks.push({ at: (power - from) / span, label: formatDuration(10 ** power) });
  }
  return ticks;
}
