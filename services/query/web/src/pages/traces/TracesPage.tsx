import { SegmentedControl } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Grammar } from '../../filter/grammar';
import { orderFromText, orderToText, type Order } from '../../parts/columns';
import { LineGrid, Loading } from '../../parts/Loading';
import { useGrammar } from '../../parts/grammar';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { Faceted } from '../../parts/query/Facets';
import { FieldChooser } from '../../parts/query/FieldChooser';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';
import { compact } from '../../route/search';
import { rangeToSearch, type TimeRange } from '../../time/range';
import { traceColumns } from './columns';
import { narrowed, withoutScope } from './narrow';
import { searchOrder } from './order';
import { SpanList, spanColumns } from './SpanList';
import { spanFields, spanKey, spanPage } from './spans';
import { totalOf, TraceFigures, useTraceFigures } from './TraceFigures';
import { traceGap, TraceList } from './TraceList';
import { useTraceList } from './traceList';
import classes from './TracesPage.module.css';
import { mostColumns, viewSearch, type ViewChange } from './view';

const route = getRouteApi('/traces');

export function TracesPage() {
  const search = route.useSearch();
  const { data: grammar } = useGrammar('traces');
  const filters = useFilters('traces');
  const view = useMemo(() => viewSearch({ ...search }), [search]);
  const ofSpans = view.tab === 'spans';
  const chosen = view.column ?? none;
  const order = useMemo(
    () => (ofSpans ? orderFromText(spanColumns, view.sort) : orderFromText(traceColumns, view.sort)),
    [ofSpans, view.sort],
  );
  const traceList = useTraceList(ofSpans ? notAsked : filters, order, chosen);
  const spanList = usePages(
    'spans',
    ofSpans ? filters : notAsked,
    spanPage,
    spanKey,
    searchOrder(order),
    undefined,
    useMemo(() => spanFields(chosen), [chosen]),
  );
  const list = ofSpans ? spanList : traceList;
  const figures = useTraceFigures(filters, view);
  const navigate = route.useNavigate();
  const show = (part: ViewChange) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
  const sorting = { is: order, set: (next: Order) => show({ sort: orderToText(next) }) };
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
        <ListBar
          ofSpans={ofSpans}
          grammar={grammar}
          chosen={chosen}
          onTab={(tab) => show({ tab, sort: undefined })}
          onColumns={(column) => show({ column: [...column] })}
        />
        {ofSpans ? (
          <Outcome
            of={spanList}
            isEmpty={(found) => found.length === 0}
            loading={loading}
            nothing={<Nothing what="spans" clearFilters={filters.any ? filters.clear : undefined} />}
          >
            {(found) => (
              <SpanList
                spans={found}
                stale={spanList.stale}
                chosen={chosen}
                order={sorting}
                more={{ ...spanList.more, total: totalOf(figures) }}
              />
            )}
          </Outcome>
        ) : (
          <Outcome
            of={traceList}
            isEmpty={(found) => found.length === 0}
            loading={loading}
            nothing={<Nothing what="traces" clearFilters={filters.any ? filters.clear : undefined} />}
          >
            {(found) => (
              <TraceList
                traces={found}
                stale={traceList.stale}
                chosen={chosen}
                order={sorting}
                more={{ ...traceList.more, total: totalOf(figures) }}
              />
            )}
          </Outcome>
        )}
      </Faceted>
    </Page>
  );
}

const none: readonly string[] = [];
const notAsked = { data: undefined, answer: undefined, error: null };

interface ListBarProps {
  ofSpans: boolean;
  grammar: Grammar | undefined;
  chosen: readonly string[];
  onTab: (tab: 'spans' | undefined) => void;
  onColumns: (fields: readonly string[]) => void;
}

/** What is listed, and what is told of it. */
function ListBar({ ofSpans, grammar, chosen, onTab, onColumns }: ListBarProps) {
  return (
    <div className={classes.bar}>
      <SegmentedControl
        size="xs"
        aria-label="List"
        value={ofSpans ? 'spans' : 'traces'}
        onChange={(next) => onTab(next === 'spans' ? 'spans' : undefined)}
        data={[
          { value: 'traces', label: 'Traces' },
          { value: 'spans', label: 'Spans' },
        ]}
      />
      {grammar !== undefined && (
        <FieldChooser
          label={ofSpans ? 'Choose columns' : 'Choose columns, of the root'}
          signal="traces"
          grammar={grammar}
          fields={chosen}
          most={mostColumns}
          choose={onColumns}
          reset={chosen.length === 0 ? undefined : () => onColumns([])}
        />
      )}
    </div>
  );
}

/** The shape of the list; the head above it waits by itself. */
const loading = (
  <Loading gap={22}>
    <LineGrid columns={traceColumns} count={14} gap={traceGap} />
  </Loading>
);
