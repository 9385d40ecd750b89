import { Skeleton } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { searchTraces } from '../../api/endpoints';
import { LineGrid, Loading } from '../../parts/Loading';
import { useGrammar } from '../../parts/grammar';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { compact } from '../../route/search';
import { rangeToSearch, type TimeRange } from '../../time/range';
import { traceColumns } from './columns';
import { traceFilters, traceSearch, hasFilters, type TraceSearch } from './filters';
import { narrowed } from './narrow';
import { TraceFigures, useTraceFigures } from './TraceFigures';
import { TraceFilters } from './TraceFilters';
import { traceGap, TraceList } from './TraceList';
import { viewSearch, type ViewChange } from './view';

const route = getRouteApi('/traces');

export function TracesPage() {
  const search = route.useSearch();
  const grammar = useGrammar('traces');
  const filters = useMemo(() => traceFilters(search, grammar.data), [search, grammar.data]);
  const view = useMemo(() => viewSearch({ ...search }), [search]);
  const list = usePages('traces', { ...grammar, data: filters }, searchTraces);
  const figures = useTraceFigures(filters, view);
  // The server orders traces by their newest matching span, which is what pages can be cut by; people read by start.
  const traces = useMemo(
    () => list.data?.toSorted((a, b) => (a.start < b.start ? 1 : a.start > b.start ? -1 : 0)),
    [list.data],
  );
  const navigate = route.useNavigate();
  const change = (part: { [K in keyof TraceSearch]: TraceSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }) });
  const clear = () =>
    void navigate({
      search: (before) => {
        const filterKeys = new Set(Object.keys(traceSearch({ ...before })));
        return Object.fromEntries(Object.entries(before).filter(([key]) => !filterKeys.has(key)));
      },
    });
  const show = (part: ViewChange) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
  const narrow = (conditions: readonly string[], part: ViewChange = {}, range?: TimeRange) =>
    void navigate({
      search: (before) =>
        compact({
          ...before,
          ...narrowed(before, conditions),
          ...part,
          ...(range === undefined ? {} : { range: undefined, ...rangeToSearch(range) }),
        }),
    });
  return (
    <Page title="Traces" answer={list.answer}>
      <TraceFilters search={search} onChange={change} onClear={clear} />
      <Outcome
        of={{ ...list, data: traces }}
        loading={loading}
        nothing={<Nothing what="traces" clearFilters={hasFilters(search) ? clear : undefined} />}
      >
        {(found) => (
          <>
            <TraceFigures asked={figures} view={view} onView={show} onNarrow={narrow} />
            <TraceList traces={found} stale={list.stale} more={list.more} />
          </>
        )}
      </Outcome>
    </Page>
  );
}

/** The shape of the head and the chart, and of the list below them. */
const loading = (
  <Loading gap={22}>
    <Skeleton height={18} width={420} />
    <Skeleton height={112} radius={6} />
    <LineGrid columns={traceColumns(1)} count={14} gap={traceGap} />
  </Loading>
);
