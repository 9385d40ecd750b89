// Time ranges that were entered in this browser, the latest first. Those that are offered anyway are not kept.

import { presets, rangeFromSearch, rangeToSearch, sameRange, type TimeRange } from '../time/range';
import { load, save } from './storage';

const most = 5;

export function recentRanges(): readonly TimeRange[] {
  try {
    const kept: unknown = JSON.parse(load('ranges') ?? '[]');
    return Array.isArray(kept) ? kept.flatMap((one: unknown) => read(one)) : [];
  } catch {
    return [];
  }
}

function read(kept: unknown): TimeRange[] {
  if (typeof kept !== 'object' || kept === null) return [];
  const text = (key: string) => {
    const value = new Map<string, unknown>(Object.entries(kept)).get(key);
    return typeof value === 'string' ? { [key]: value } : {};
  };
  const range = rangeFromSearch({ ...text('range'), ...text('from'), ...text('to') });
  return isOffered(range) ? [] : [range]; // Also what cannot be read, which is the default.
}

const isOffered = (range: TimeRange): boolean => range.kind === 'sliding' && presets.includes(range.last);

export function rememberRange(range: TimeRange): void {
  if (isOffered(range)) return;
  const others = recentRanges().filter((one) => !sameRange(one, range));
  save('ranges', JSON.stringify([range, ...others].slice(0, most).map(rangeToSearch)));
}
