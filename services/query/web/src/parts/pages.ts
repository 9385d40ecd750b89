import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Filter, Search, SearchOrder } from '../api/endpoints';
import type { Page } from '../api/model';
import { useTimeRange } from '../route/time';
import { rangeToSearch, resolveRange, type Bounds } from '../time/range';
import { asText, type Asked } from './answer';
import { useKept } from './kept';
import { PagedList, type Items, type Standing } from './paged';
import { useHoldRefresh, useRefresh } from './refresh';

/** Items of the first page, and of each page that is loaded after it unless a list says otherwise. */
const firstPage = 100;
const laterPage = 250;

/** What a list needs of its pages, beside its items. */
export interface More {
  hasMore: boolean;
  /** Whether the server stopped before the end: what there is more of is not known. */
  cut: boolean;
  loading: boolean;
  error: Error | undefined;
  retry: () => void;
  /** Tells which items are in sight. */
  see: (first: number, last: number) => void;
  /** Tells that somebody reads: what is there must not move. */
  hold: (held: boolean) => void;
  /** What came since; it is shown when that is asked for. */
  fresh: { count: number; atLeast: boolean; show: () => void } | undefined;
  /** Another for each list: where it begins anew. */
  list: object | undefined;
  /** How many there are in all, "14,382 traces", where that is known. */
  total?: string | undefined;
  /** Where it was scrolled to. */
  place: { readonly top: number; leave(top: number): void } | undefined;
}

/** A list that is loaded page by page. */
export interface Pages<T> extends Asked<Items<T>> {
  bounds: Bounds | undefined;
  stale: boolean;
  more: More;
}

/** How one page is asked for. */
type Ask<T> = (search: Search, signal: AbortSignal) => Promise<Page<T>>;

interface Listed<T> {
  list: PagedList<T>;
  bounds: Bounds;
  question: string;
}

/**
 * A list that is loaded page by page, for the time range in the address. A refresh begins a new list; the old one stays on
 * screen until the new one is there, and for as long as somebody reads it: then it is told how much is new. Filters that are
 * not known yet are waited for; the list fails with them.
 */
export function usePages<T>(
  name: string,
  filters: Asked<readonly Filter[]>,
  search: Ask<T>,
  keyOf: (item: T) => string,
  order?: SearchOrder,
  /** Items of each page after the first. */
  pageOf = laterPage,
  fields?: readonly string[],
): Pages<T> {
  const range = useTimeRange();
  const { tick } = useRefresh();
  const question = asText([rangeToSearch(range), filters.data, order, fields]);
  const queries = useQueryClient();
  // Who comes back finds what he left, where he left it.
  const [left] = useState(() => leftAt<T>(queries, name, question));
  const [held, hold] = useState(left !== undefined);
  const [shown, setShown] = useState({ question, tick: left ?? tick });
  if (shown.question !== question || (shown.tick !== tick && !held)) setShown({ question, tick });
  const ask = (of: number) => ({
    queryKey: [name, question, of],
    queryFn: async ({ signal }: { signal: AbortSignal }): Promise<Listed<T>> => {
      const bounds = resolveRange(range, Date.now());
      const asked = { bounds, filters: filters.data ?? [], order, fields };
      const first = await search({ ...asked, limit: firstPage, cursor: undefined }, signal);
      const list = new PagedList(first, (cursor, ends) => search({ ...asked, limit: pageOf, cursor }, ends));
      return { list, bounds, question };
    },
    placeholderData: (previous: Listed<T> | undefined) => previous,
    staleTime: Infinity,
    gcTime: 300_000,
    structuralSharing: false as const,
  });
  const query = useQuery({ ...ask(shown.tick), enabled: filters.data !== undefined });
  const behind = held && shown.tick !== tick && shown.question === question;
  const next = useQuery({ ...ask(tick), enabled: filters.data !== undefined && behind });
  const kept = useKept(query.data, question, questionOf);
  const cancelled = filters.data !== undefined && query.isPending && query.fetchStatus === 'idle';
  useHoldRefresh(cancelled ? 'it was cancelled' : undefined);
  const list = kept?.list;
  useEffect(() => () => list?.end(), [list]);
  const standing = useSyncExternalStore(
    useCallback((listener: () => void) => list?.subscribe(listener) ?? (() => undefined), [list]),
    useCallback((): Standing<T> | undefined => list?.snapshot(), [list]),
  );
  const newer = behind && !next.isPlaceholderData ? next.data?.list : undefined;
  const news = useMemo(
    () => (list === undefined || newer === undefined ? undefined : newerThan(list.snapshot(), newer.snapshot(), keyOf)),
    [list, newer, keyOf],
  );
  return {
    data: standing,
    answer: standing?.last,
    bounds: kept?.bounds,
    error: filters.data === undefined ? filters.error : query.error,
    stale: kept !== undefined && kept.question !== question,
    more: {
      hasMore: standing?.hasMore ?? false,
      cut: standing?.last.incomplete !== undefined,
      loading: standing?.loading ?? false,
      error: standing?.error,
      retry: () => list?.retry(),
      see: useCallback((first: number, last: number) => list?.see(first, last), [list]),
      hold,
      fresh: news === undefined || news.count === 0 ? undefined : { ...news, show: () => setShown({ question, tick }) },
      list,
      place: list,
    },
    cancel: () => void queries.cancelQueries({ queryKey: [name, question, shown.tick], exact: true }),
    cancelled,
    retry: () => (filters.data === undefined ? filters.retry?.() : void query.refetch()),
  };
}

const questionOf = ({ question }: { question: string }) => question;

/** The tick of the newest list of a question that somebody has scrolled in; undefined where there is none. */
function leftAt<T>(queries: QueryClient, name: string, question: string): number | undefined {
  const lists = queries.getQueriesData<Listed<T>>({ queryKey: [name, question] });
  const ticks = lists.flatMap(([key, listed]) =>
    listed !== undefined && listed.list.top > 0 && typeof key[2] === 'number' ? [key[2]] : [],
  );
  return ticks.length === 0 ? undefined : Math.max(...ticks);
}

/** How many of a list's first page another has not, as far as it begins with them. */
export function newerThan<T>(
  shown: Items<T>,
  newer: Items<T> & { hasMore: boolean },
  keyOf: (item: T) => string,
): { count: number; atLeast: boolean } {
  const known = new Set<string>();
  for (let i = 0; i < Math.min(shown.length, firstPage); i++) {
    const item = shown.at(i);
    if (item !== undefined) known.add(keyOf(item));
  }
  let count = 0;
  for (let i = 0; i < newer.length; i++) {
    const item = newer.at(i);
    if (item !== undefined && !known.has(keyOf(item))) count++;
  }
  return { count, atLeast: newer.hasMore && count === newer.length };
}
