// The zone that all times on the screen are told in: that of the browser, UTC, or any other that the browser knows.

/** An IANA name; undefined: the browser's own. */
let told: string | undefined;

/** Offsets by zone are the same for a quarter of an hour at least, which is how often they are asked for. */
const quarter = 900_000;
const most = 4_096;
let known = new Map<number, number>();
let format: Intl.DateTimeFormat | undefined;

const browserZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The name of the zone that times are told in. */
export const zoneName = (): string => told ?? browserZone();

/** Tells all times in this zone from now on; undefined: in the browser's own. What is on the screen has to be drawn anew. */
export function tellTimesIn(zone: string | undefined): void {
  told = zone;
  known = new Map();
  format = undefined;
}

/** Whether the browser knows a zone of this name. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name !== '';
  } catch {
    return false;
  }
}

/** How far the clocks of the zone are ahead of UTC at a moment; both in milliseconds. */
export function offsetAt(millis: number): number {
  if (told === undefined) return -new Date(millis).getTimezoneOffset() * 60_000;
  if (told === 'UTC' || !Number.isFinite(millis)) return 0;
  const at = Math.floor(millis / quarter);
  let offset = known.get(at);
  if (offset === undefined) {
    offset = lookUp(told, at * quarter);
    if (known.size >= most) known.clear();
    known.set(at, offset);
  }
  return offset;
}

function lookUp(zone: string, millis: number): number {
  format ??= new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts = new Map(format.formatToParts(millis).map(({ type, value }) => [type, value]));
  const part = (name: Intl.DateTimeFormatPartTypes) => Number(parts.get(name));
  const year = parts.get('era') === 'BC' ? 1 - part('year') : part('year');
  return utc(year, part('month'), part('day'), part('hour'), part('minute'), part('second')) - millis;
}

/** Date.UTC, but for years below 100, which it takes for those of the last century. The month counts from 1. */
function utc(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}

/** What the calendar and the clock show in the zone, to be read by the getUTC… methods. */
export const wallClock = (millis: number): Date => new Date(millis + offsetAt(millis));

/** The same, to be read by the methods of the browser's own zone, as libraries do that know no other. */
export function localClock(millis: number): Date {
  const w = wallClock(millis);
  // By what the clock shows: the browser's own offset may be another one then than now.
  const [day, time] = [
    [w.getUTCFullYear(), w.getUTCMonth(), w.getUTCDate()],
    [w.getUTCHours(), w.getUTCMinutes(), w.getUTCSeconds(), w.getUTCMilliseconds()],
  ] as const;
  return new Date(...day, ...time);
}

/**
 * The moment, in milliseconds, at which calendar and clock show this; the month counts from 1. Of an hour that comes twice the
 * first, of one that is left out the moment that the clocks would have shown it had they not been put forward.
 */
export function momentOf(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
  const wall = utc(year, month, day, hour, minute, second);
  // Before and after whatever change there is near it.
  const [before, after] = [offsetAt(wall - 86_400_000), offsetAt(wall + 86_400_000)];
  const shown = [before, after].map((offset) => wall - offset).filter((millis) => offsetAt(millis) === wall - millis);
  return shown.length === 0 ? wall - before : Math.min(...shown);
}

/** "UTC", "UTC+2", "UTC−3:30": how far the zone is ahead at a moment. */
export function offsetText(millis: number): string {
  const minutes = Math.round(offsetAt(millis) / 60_000);
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

/** What browsers call by the name of long ago, and people look for by the one of today: IANA keeps both. */
const today: ReadonlyMap<string, string> = new Map([
  ['Africa/Asmera', 'Africa/Asmara'],
  ['America/Godthab', 'America/Nuuk'],
  ['Asia/Calcutta', 'Asia/Kolkata'],
  ['Asia/Katmandu', 'Asia/Kathmandu'],
  ['Asia/Rangoon', 'Asia/Yangon'],
  ['Asia/Saigon', 'Asia/Ho_Chi_Minh'],
  ['Atlantic/Faeroe', 'Atlantic/Faroe'],
  ['Europe/Kiev', 'Europe/Kyiv'],
  ['Pacific/Enderbury', 'Pacific/Kanton'],
  ['Pacific/Ponape', 'Pacific/Pohnpei'],
  ['Pacific/Truk', 'Pacific/Chuuk'],
]);

/** All zones that the browser has a name for, by the one they have today, UTC first. */
export function allZones(): readonly string[] {
  const named = Intl.supportedValuesOf('timeZone').map((name) => {
    const newer = today.get(name);
    return newer !== undefined && isZone(newer) ? newer : name;
  });
  return ['UTC', ...[...new Set(named)].filter((name) => name !== 'UTC').sort()];
}
