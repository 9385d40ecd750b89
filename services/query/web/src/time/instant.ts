import { wallClock } from './zone';

/** A moment as nanoseconds since 1970 UTC. bigint, because a double is only exact to 256 ns today. */
export type Instant = bigint;

const perMillisecond = 1_000_000n;

export const instantFromMillis = (millis: number): Instant => BigInt(Math.round(millis)) * perMillisecond;

/** Milliseconds since 1970, for Date and for charts; loses what is below. */
export const instantToMillis = (instant: Instant): number => Number(instant / 1000n) / 1000;

const pad = (value: number, width: number) => String(value).padStart(width, '0');

function date(instant: Instant): Date {
  return new Date(Number(floorDiv(instant, perMillisecond)));
}

function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** What the calendar and the clock of the chosen zone show, to be read by the getUTC… methods. */
const wall = (instant: Instant): Date => wallClock(date(instant).getTime());

/** "14:03:27.482" in the zone that times are told in, with as many digits of the second as asked (0, 3, 6 or 9). */
export function formatClock(instant: Instant, digits: 0 | 3 | 6 | 9 = 3): string {
  const d = wall(instant);
  const clock = `${pad(d.getUTCHours(), 2)}:${pad(d.getUTCMinutes(), 2)}:${pad(d.getUTCSeconds(), 2)}`;
  if (digits === 0) return clock;
  const fraction = ((instant % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${clock}.${fraction.toString().padStart(9, '0').slice(0, digits)}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** "23 Nov" in the zone, with the year when it is not the present one. */
export function formatDay(instant: Instant, now: Date = new Date()): string {
  const d = wall(instant);
  const day = `${d.getUTCDate()} ${months[d.getUTCMonth()]}`;
  const year = d.getUTCFullYear();
  return year === wallClock(now.getTime()).getUTCFullYear() ? day : `${day} ${year}`;
}

/** The day, or nothing when it is today: what stands before the clock in lists. */
export function formatOtherDay(instant: Instant, now: Date = new Date()): string {
  return dayOf(wall(instant)) === dayOf(wallClock(now.getTime())) ? '' : formatDay(instant, now);
}

const dayOf = (wallTime: Date): string => wallTime.toISOString().slice(0, 10);

/** In the zone: "23 Nov 14:03:27.482". */
export function formatInstant(instant: Instant, digits: 0 | 3 | 6 | 9 = 3, now: Date = new Date()): string {
  return `${formatDay(instant, now)} ${formatClock(instant, digits)}`;
}

/** RFC 3339 in UTC with all nine digits, for copying. */
export function formatUTC(instant: Instant): string {
  const fraction = ((instant % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return `${date(instant).toISOString().slice(0, 19)}.${fraction.toString().padStart(9, '0')}Z`;
}

/** "just now", "12 s ago", "5 min ago", "3 h ago", "2 d ago". */
export function formatAge(instant: Instant, nowMillis: number): string {
  const seconds = Math.round(nowMillis / 1000 - instantToMillis(instant) / 1000);
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
