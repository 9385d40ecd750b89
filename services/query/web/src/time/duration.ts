// Durations are numbers of nanoseconds: exact up to 104 days, which no span reaches. Instants are bigint, see instant.ts.

const units: readonly (readonly [string, number])[] = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
];

/** "1.24 s", "87.3 ms", "412 µs", "2m 5s", "3h 4m": three significant digits at most, one unit below a minute. */
export function formatDuration(nanos: number): string {
  if (nanos < 0) return `−${formatDuration(-nanos)}`;
  if (nanos === 0) return '0 ms';
  const seconds = nanos / 1e9;
  if (seconds >= 86_400) return pair(seconds, 86_400, 'd', 3_600, 'h');
  if (seconds >= 3_600) return pair(seconds, 3_600, 'h', 60, 'm');
  if (seconds >= 60) return pair(seconds, 60, 'm', 1, 's');
  for (const [name, size] of units) {
    // 999.96 ms must not be shown as "1000 ms": compare what would be shown, not what is.
    if (nanos >= size * 0.9995) return `${significant(nanos / size)} ${name}`;
  }
  return `${nanos} ns`;
}

function pair(seconds: number, big: number, bigName: string, small: number, smallName: string): string {
  const total = Math.round(seconds / small);
  const perBig = big / small;
  const rest = total % perBig;
  return rest === 0
    ? `${Math.floor(total / perBig)}${bigName}`
    : `${Math.floor(total / perBig)}${bigName} ${rest}${smallName}`;
}

function significant(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

const factors: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['μs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['min', 60e9],
  ['h', 3600e9],
  ['d', 86400e9],
]);

/**
 * Reads what a person types: "250ms", "1.5 s", "2m 30s"; a bare number is milliseconds.
 * Returns nanoseconds, or undefined when the text is no duration.
 */
export function parseDuration(text: string): number | undefined {
  const input = text.trim();
  if (input === '') return undefined;
  if (/^\d+(\.\d+)?$/.test(input)) return Math.round(Number(input) * 1e6);
  if (!/^(\d+(\.\d+)?\s*[a-zµμ]+\s*)+$/i.test(input)) return undefined;
  let total = 0;
  for (const [, amount, unit] of input.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµμ]+)/gi)) {
    const factor = factors.get((unit ?? '').toLowerCase());
    if (factor === undefined) return undefined;
    total += Number(amount) * factor;
  }
  return Math.round(total);
}
