/** "1,234", "12.3k", "4.56M": short enough for a column. */
export function formatCount(n: number): string {
  if (Math.abs(n) < 10_000) return n.toLocaleString('en-US', { maximumFractionDigits: 0 });
  for (const [suffix, size] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (Math.abs(n) >= size) return `${Number((n / size).toPrecision(3))}${suffix}`;
  }
  return String(n);
}

/** A figure of unknown size with at most four significant digits. */
export function formatNumber(n: number): string {
  if (!Number.isFinite(n)) return String(n);
  if (n === 0) return '0';
  const size = Math.abs(n);
  if (size >= 10_000) return formatCount(n);
  if (size < 0.001) return n.toExponential(2);
  return String(Number(n.toPrecision(4)));
}

/** "12.5/s", "1.2k/s"; what is rare by the minute or the hour: "8/min", "2/h". */
export function formatRate(perSecond: number): string {
  const [rate, unit] =
    perSecond === 0 || perSecond >= 0.1
      ? [perSecond, 's']
      : perSecond * 60 >= 0.1
        ? [perSecond * 60, 'min']
        : [perSecond * 3600, 'h'];
  return `${rate >= 10_000 ? formatCount(rate) : Number(rate.toPrecision(3))}/${unit}`;
}

/** "0 %", "0.4 %", "12 %". */
export function formatPercent(ratio: number): string {
  const percent = ratio * 100;
  if (percent === 0) return '0 %';
  return percent < 0.1 ? '< 0.1 %' : `${Number(percent.toPrecision(percent < 10 ? 2 : 3))} %`;
}

/**
 * For a column whose head says the unit: always so many decimals, so that the points stand below each other; "< 0.1"
 * for what is there and would be written as nothing.
 */
function fixed(n: number, decimals: 1 | 2): string {
  const least = 10 ** -decimals;
  if (n > 0 && n < least) return `< ${least}`;
  return n.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** "9.47", "1,204.50": for a column of rates a second. */
export const formatPerSecond = (perSecond: number): string => fixed(perSecond, 2);

/** "87.3", "1,240.0": nanoseconds, for a column of milliseconds. */
export const formatMillis = (nanos: number): string => fixed(nanos / 1e6, 1);

/** "1.2", "< 0.1": a share from 0 to 1, for a column of percent. */
export const formatHundredths = (ratio: number): string => fixed(ratio * 100, 1);

/** "312 B", "4.2 kB", "1.3 MB", "-2 GB". */
export function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  for (const [unit, of] of [
    ['PB', 1e15],
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    // What would be shown as 1000 of one is 1 of the next.
    if (size >= of * 0.9995) return `${Number((bytes / of).toPrecision(3))} ${unit}`;
  }
  return `${Number(bytes.toPrecision(3))} B`;
}

export const plural = (n: number, one: string, more = `${one}s`): string =>
  `${n.toLocaleString('en-US')} ${n === 1 ? one : more}`;
