// How the traces page shows what it finds: its part of the address beside the filters.

import type { Condition } from '../../api/endpoints';
import { compact, many, one } from '../../route/search';
import { instantFromMillis, instantToMillis, formatUTC, type Instant } from '../../time/instant';

/** What is compared with what: a box of the heatmap with all else, failed with good, slow with fast. */
export type Difference = 'box' | 'errors' | 'slow';

export interface ViewSearch {
  /** Traces, or the spans themselves. */
  tab?: 'spans';
  /** The chart; a strip of rates unless it is given. */
  chart?: 'heatmap';
  /** A box of the heatmap, see boxFromText. */
  box?: string;
  differ?: Difference;
  /** The order of the list, "-duration". */
  sort?: string;
  /** Fields that have a column each. */
  column?: string[];
}

/** Most columns that can be chosen: each takes its room. */
export const mostColumns = 8;

/** The chosen columns of an address, each once. */
export const columnsOf = (search: Record<string, unknown>): string[] =>
  [...new Set(many(search, 'column'))].slice(0, mostColumns);

export type ViewChange = { [K in keyof ViewSearch]?: ViewSearch[K] | undefined };

export function viewSearch(search: Record<string, unknown>): ViewSearch {
  const box = boxFromText(one(search, 'box'));
  const differ = (['box', 'errors', 'slow'] as const).find((d) => d === one(search, 'differ'));
  return compact({
    tab: one(search, 'tab') === 'spans' ? ('spans' as const) : undefined,
    chart: one(search, 'chart') === 'heatmap' ? ('heatmap' as const) : undefined,
    box: box === undefined ? undefined : boxToText(box),
    differ: differ === 'box' && box === undefined ? undefined : differ,
    sort: one(search, 'sort'),
    column: columnsOf(search),
  });
}

/** A stretch of time and one of durations, in nanoseconds. What ends at `to` or `longest` is outside. */
export interface Box {
  from: Instant;
  to: Instant;
  shortest: number;
  longest: number;
}

/** Bounds of time in RFC 3339, of durations in nanoseconds. */
export const boxToText = ({ from, to, shortest, longest }: Box): string =>
  [iso(from), iso(to), shortest, longest].join('~');

export function boxFromText(text: string | undefined): Box | undefined {
  const [from = '', to = '', shortest = '', longest = ''] = (text ?? '').split('~');
  const box = {
    from: Date.parse(from),
    to: Date.parse(to),
    shortest: Number(shortest),
    longest: Number(longest),
  };
  if (!(box.from < box.to && box.shortest >= 0 && box.shortest < box.longest && Number.isFinite(box.longest))) {
    return undefined;
  }
  return { ...box, from: instantFromMillis(box.from), to: instantFromMillis(box.to) };
}

const iso = (instant: Instant) => new Date(instantToMillis(instant)).toISOString();

/** What spans in the box meet, and no others. */
export const inBox = ({ from, to, shortest, longest }: Box): Condition[] => [
  { field: 'time', operator: 'gte', value: formatUTC(from) },
  { field: 'time', operator: 'lt', value: formatUTC(to) },
  { field: 'duration', operator: 'gte', value: shortest },
  { field: 'duration', operator: 'lt', value: longest },
];
