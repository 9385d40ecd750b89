// Figures of metrics as people read them: "1.2 MB" rather than "1200000 By". Units are those of UCUM, as OpenTelemetry has them, and the
// words that Prometheus has for the same.

import { formatDuration } from '../time/duration';
import { formatBytes, formatNumber } from './number';
import { isolated } from './shown';

export interface Unit {
  /** A figure with all of its unit: "1.2 MB/s", "12.4 request/s". */
  format: (n: number) => string;
  /** As short as a scale wants it; what it leaves out is in the name. */
  short: (n: number) => string;
  /** What the short form leaves out, or empty: "request/s", "per second". */
  name: string;
}

const nanos: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['min', 60e9],
  ['h', 3_600e9],
  ['d', 86_400e9],
  ['nanoseconds', 1],
  ['microseconds', 1e3],
  ['milliseconds', 1e6],
  ['seconds', 1e9],
]);

const bytes: ReadonlyMap<string, number> = new Map([
  ['By', 1],
  ['kBy', 1e3],
  ['MBy', 1e6],
  ['GBy', 1e9],
  ['TBy', 1e12],
  ['KiBy', 2 ** 10],
  ['MiBy', 2 ** 20],
  ['GiBy', 2 ** 30],
  ['TiBy', 2 ** 40],
  ['bytes', 1],
]);

/** Most characters of a unit that nobody knows. */
const longest = 24;

/** How figures of a unit are written, or what they come to a second. */
export function unitOf(unit: string, perSecond = false): Unit {
  if (!perSecond) return plain(unit);
  const { format, short, name } = plain(unit);
  return { format: (n) => `${format(n)}/s`, short, name: name === '' ? 'per second' : `${name}/s` };
}

function plain(unit: string): Unit {
  const time = nanos.get(unit);
  if (time !== undefined) return scaled((n) => durationText(n * time));
  const size = bytes.get(unit);
  if (size !== undefined) return scaled((n) => formatBytes(n * size));
  if (unit === '%') return scaled((n) => `${formatNumber(n)} %`);
  const slash = unit.lastIndexOf('/');
  if (slash > 0 && !unit.endsWith('}')) {
    const whole = plain(unit.slice(0, slash));
    const per = `/${isolated(unit.slice(slash + 1), longest)}`;
    return { format: (n) => whole.format(n) + per, short: whole.short, name: whole.name + per };
  }
  const noun = unit === '1' ? '' : unit.replace(/^\{(.*)\}$/s, '$1');
  if (noun === '') return { format: formatNumber, short: formatNumber, name: '' };
  const name = isolated(noun, longest);
  return { format: (n) => `${formatNumber(n)} ${name}`, short: formatNumber, name };
}

const scaled = (format: (n: number) => string): Unit => ({ format, short: format, name: '' });

/** Means and rates come to parts of a nanosecond. */
const durationText = (n: number): string => {
  if (!Number.isFinite(n)) return String(n);
  return n !== 0 && Math.abs(n) < 1 ? `${formatNumber(n)} ns` : formatDuration(n);
};
