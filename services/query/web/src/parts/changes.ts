// How a figure changed since the period before.

/** Of fewer requests in either period a figure is chance, and its change says nothing. */
export const leastRequests = 20;

/** Below it nothing has changed: percentiles are within 1 % of the truth, and no two periods are alike. */
const least = 0.05;

/**
 * By what part of itself a figure grew or shrank; undefined where it did neither, or there is nothing to compare with. What grew
 * from nothing grew without end: errors where there were none are the change that matters most.
 */
export function changeOf(now: number, before: number): number | undefined {
  if (!Number.isFinite(now)) return undefined;
  if (before === 0 && now > 0) return Infinity;
  if (!(before > 0)) return undefined;
  const change = now / before - 1;
  return Math.abs(change) < least ? undefined : change;
}

/** "▲ 38 %", "▼ 60 %", "▲ ×12", "▲ from 0". */
export function changeText(change: number): string {
  if (change === Infinity) return '▲ from 0';
  const arrow = change > 0 ? '▲' : '▼';
  return change >= 9.5 ? `${arrow} ×${Math.round(change + 1)}` : `${arrow} ${Math.round(Math.abs(change) * 100)} %`;
}

/** The same for those who hear it. */
export function changeSaid(change: number): string {
  if (change === Infinity) return 'more than in the period before, when it was 0';
  const of = 'than in the period before';
  if (change >= 9.5) return `${Math.round(change + 1)} times as much as in the period before`;
  return `${Math.round(Math.abs(change) * 100)} % ${change > 0 ? 'more' : 'less'} ${of}`;
}
