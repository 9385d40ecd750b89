import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { rangeFromSearch, rangeToSearch, type TimeRange } from '../time/range';
import { one } from './search';

export interface TimeSearch {
  range?: string;
  from?: string;
  to?: string;
}

export function timeSearch(search: Record<string, unknown>): TimeSearch {
  const range = one(search, 'range');
  const from = one(search, 'from');
  const to = one(search, 'to');
  return {
    ...(range === undefined ? {} : { range }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

const keys = ['range', 'from', 'to'] as const;

/**
 * The search of where one goes, with the time range of where one was, unless it says something of a range itself: that a
 * parameter is undefined, too. The three are one thing: of two ranges at once nobody could tell which is meant.
 */
export function keepRange<T extends object>({ search, next }: { search: T; next: (search: T) => T }): T {
  const result = next(search);
  if (keys.some((key) => key in result)) return result;
  return { ...result, ...timeSearch(search as Record<string, unknown>) };
}

/** The time range in the address. */
export function useTimeRange(): TimeRange {
  const search: TimeSearch = useSearch({ strict: false });
  const { range, from, to } = search;
  return useMemo(() => rangeFromSearch(timeSearch({ range, from, to })), [range, from, to]);
}

/** Changes the range in the address, as a step that the back button undoes. */
export function useSetTimeRange(): (range: TimeRange) => void {
  const navigate = useNavigate();
  return useCallback(
    (range) => {
      void navigate({
        to: '.',
        search: (before: Record<string, unknown>) => {
          const said = { range: undefined, from: undefined, to: undefined, ...rangeToSearch(range) };
          return { ...before, ...said } as TimeSearch;
        },
      });
    },
    [navigate],
  );
}
