import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { orderFromText, orderToText } from '../../parts/columns';
import { LineGrid, Loading } from '../../parts/Loading';
import { useGrammar } from '../../parts/grammar';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { Faceted } from '../../parts/query/Facets';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';
import { compact } from '../../route/search';
import { rangeToSearch, type TimeRange } from '../../time/range';
import { traceColumns } from './columns';
import { narrowed, withoutScope } from './narrow';
import { searchOrder, tracePage } from './order';
import { TraceFigures, useTraceFigures } from './TraceFigures';
import { traceGap, traceKey, TraceList } from './TraceList';
import { viewSearch, type ViewChange } from './view';

const route = getRouteApi('/traces');

export function TracesPage() {
  const search = route.useSearch();
  const { data: grammar } = useGrammar('traces');
  const filters = useFilters('traces');
  const view = useMemo(() => viewSearch({ ...search }), [search]);
  const order = useMemo(() => orderFromText(traceColumns, view.sort), [view.sort]);
  const list = usePages('traces', filters, tracePage, traceKey, searchOrder(order));
  const figures = useTraceFigures(filters, view);
  const navigate = route.useNavigate();
  const show = (part: ViewChange) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
  const narrow = (conditions: readonly string[], part: ViewChange = {}, range?: TimeRange) =>
    void navigate({
      search: (before) => {
        const q = before.q ?? '';
        return compact({
          ...before,
          ...(grammar === undefined
            ? {}
            : {
                q: narrowed(before.scope === 'trace' ? withoutScope(q, grammar) : q, conditions, grammar),
                scope: undefined,
              }),
          ...part,
          ...(range === undefined ? {} : { range: undefined, ...rangeToSearch(range) }),
        });
      },
    });
  return (
    <Page title="Traces" answer={list.answer}>
      <QueryBar signal="traces" />
      <Faceted signal="traces" filters={filters} items="spans">
        <TraceFigures asked={figures} view={view} onView={show} onNarrow={narrow} />
        <Outcome
          of={list}
          isEmpty={(found) => found.length === 0}
          loading={loading}
          nothing={<Nothing what="traces" clearFilters={filters.any ? filters.clear : undefined} />}
        >
          {(found) => (
            <TraceList
              traces={found}
              stale={list.stale}
              order={{ is: order, set: (next) => show({ sort: orderToText(next) }) }}
              more={list.more}
            />
          )}
        </Outcome>
      </Faceted>
    </Page>
  );
}

/** The shape of the list; the head above it waits by itself. */
const loading = (
  <Loading gap={22}>
    <LineGrid columns={traceColumns} count={14} gap={traceGap} />
  </Loading>
);
