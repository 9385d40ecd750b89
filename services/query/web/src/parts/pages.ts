import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Filter, Search } from '../api/endpoints';
import type { Page } from '../api/model';
import { useTimeRange } from '../route/time';
import { rangeToSearch, resolveRange, type Bounds } from '../time/range';
import { asText, type Asked } from './answer';
import { useHoldRefresh, useRefresh } from './refresh';

/** A list that is loaded page by page. */
export interface Pages<T> extends Asked<readonly T[]> {
  bounds: Bounds | undefined;
  stale: boolean;
  more: { hasMore: boolean; loadingMore: boolean; loadMore: () => void };
}

/** Items of the first page, and of each page that is loaded after it. */
const firstPage = 100;
const laterPage = 250;

interface From {
  cursor: string | undefined;
  /** The range of the first page: a cursor is only good for the range it was made with. */
  bounds: Bounds | undefined;
}

const start: From = { cursor: undefined, bounds: undefined };

/**
 * A list that is loaded page by page, newest first, for the time range in the address. A refresh begins a new list; the
 * old one stays on screen until the new one is there. More than one page on screen holds the automatic refresh. Filters
 * that are not known yet are waited for; the list fails with them.
 */
export function usePages<T>(
  name: string,
  filters: Asked<readonly Filter[]>,
  search: (search: Search, signal: AbortSignal) => Promise<Page<T>>,
): Pages<T> {
  const range = useTimeRange();
  const { tick } = useRefresh();
  const question = asText([rangeToSearch(range), filters.data]);
  const query = useInfiniteQuery({
    queryKey: [name, question, tick],
    initialPageParam: start,
    queryFn: async ({ pageParam, signal }) => {
      const bounds = pageParam.bounds ?? resolveRange(range, Date.now());
      const limit = pageParam.cursor === undefined ? firstPage : laterPage;
      const page = await search({ bounds, filters: filters.data ?? [], limit, cursor: pageParam.cursor }, signal);
      return { ...page, bounds, question };
    },
    getNextPageParam: (last): From | undefined =>
      last.next === undefined ? undefined : { cursor: last.next, bounds: last.bounds },
    placeholderData: (previous) => previous,
    staleTime: Infinity,
    gcTime: 60_000,
    enabled: filters.data !== undefined,
  });
  const pages = query.data?.pages;
  const items = useMemo(() => pages?.flatMap((page) => page.data), [pages]);
  useHoldRefresh(pages !== undefined && pages.length > 1 ? 'more than one page is loaded' : undefined);
  return {
    data: items,
    answer: pages?.at(-1),
    bounds: pages?.[0]?.bounds,
    error: filters.data === undefined ? filters.error : query.error,
    stale: query.isPlaceholderData && pages?.[0]?.question !== question,
    more: {
      hasMore: query.hasNextPage,
      loadingMore: query.isFetchingNextPage,
      loadMore: () => void query.fetchNextPage(),
    },
    retry: () => (filters.data === undefined ? filters.retry?.() : void query.refetch()),
  };
}
