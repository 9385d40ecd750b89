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
          const rest = { ...before };
          delete rest['range'];
          delete rest['from'];
          delete rest['to'];
          return { ...rest, ...rangeToSearch(range) };
        },
      });
    },
    [navigate],
  );
}
