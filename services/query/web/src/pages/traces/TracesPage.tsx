import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { searchTraces } from '../../api/endpoints';
import { Failure } from '../../parts/Failure';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { Nothing } from '../../parts/Nothing';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { compact } from '../../route/search';
import { traceFilters, traceSearch, hasFilters, type TraceSearch } from './filters';
import { TraceChart } from './TraceChart';
import { TraceFilters } from './TraceFilters';
import { TraceList, TraceListSkeleton } from './TraceList';

const route = getRouteApi('/traces');

export function TracesPage() {
  const search = route.useSearch();
  const filters = useMemo(() => traceFilters(search), [search]);
  const list = usePages('traces', filters, searchTraces);
  // The server orders traces by their newest matching span, which is what pages can be cut by; people read by start.
  const traces = useMemo(
    () => list.items?.toSorted((a, b) => (a.start < b.start ? 1 : a.start > b.start ? -1 : 0)),
    [list.items],
  );
  const navigate = route.useNavigate();
  const change = (part: { [K in keyof TraceSearch]: TraceSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }) });
  const clear = () =>
    void navigate({
      search: (before) => {
        const filterKeys = new Set(Object.keys(traceSearch(before)));
        return Object.fromEntries(Object.entries(before).filter(([key]) => !filterKeys.has(key)));
      },
    });
  return (
    <Page title="Traces" answer={list.answer}>
      <TraceFilters search={search} onChange={change} onClear={clear} />
      {list.error !== null && (traces === undefined || list.stale) ? (
        <Failure error={list.error} retry={list.retry} />
      ) : traces === undefined || list.bounds === undefined ? (
        <TraceListSkeleton />
      ) : traces.length === 0 ? (
        <Nothing what="traces" clearFilters={hasFilters(search) ? clear : undefined} />
      ) : (
        <>
          <IncompleteNote answer={list.answer} />
          <TraceChart traces={traces} bounds={list.bounds} hasMore={list.hasMore} />
          <TraceList
            traces={traces}
            stale={list.stale}
            hasMore={list.hasMore}
            loadingMore={list.loadingMore}
            loadMore={list.loadMore}
          />
        </>
      )}
    </Page>
  );
}
