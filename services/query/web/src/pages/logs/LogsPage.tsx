import { SegmentedControl } from '@mantine/core';
import { IconSortAscending, IconSortDescending, IconTextWrap } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { LogsShown } from '../../parts/logColumns';
import { marksOf } from '../../parts/marks';
import { Page } from '../../parts/Page';
import { Faceted } from '../../parts/query/Facets';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';
import { compact } from '../../route/search';
import { formatOtherDay } from '../../time/instant';
import { Columns } from './Columns';
import { Live } from './Live';
import { LogFigures, useLogFigures } from './LogFigures';
import { Patterns } from './Patterns';
import { Records } from './Records';
import { Toggle } from './Toggle';
import { columnsOf, columnsToSearch, logView, views, type LogViewChange } from './view';

const route = getRouteApi('/logs');

export function LogsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filters = useFilters('logs');
  const view = useMemo(() => logView({ ...search }), [search]);
  const figures = useLogFigures(filters);
  const show = (part: LogViewChange) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
  const days = figures.bounds === undefined || formatOtherDay(figures.bounds.from) !== '';
  const shown = useMemo(
    (): LogsShown => ({
      columns: columnsOf(view),
      wrap: view.wrap === 'on',
      days,
      marks: marksOf(filters.data ?? []),
    }),
    [view, days, filters.data],
  );
  const lines = view.view !== 'patterns';
  return (
    <Page title="Logs" answer={figures.answer}>
      <QueryBar signal="logs" />
      <Faceted signal="logs" filters={filters} items="log records">
        <LogFigures of={figures} readable={filters.error === null}>
          {lines && (
            <>
              {view.view === undefined && (
                <Toggle
                  label="Oldest first"
                  on={view.order === 'oldest'}
                  icon={view.order === 'oldest' ? IconSortAscending : IconSortDescending}
                  onToggle={(on) => show({ order: on ? 'oldest' : undefined })}
                />
              )}
              <Toggle
                label="Wrap lines"
                on={shown.wrap}
                icon={IconTextWrap}
                onToggle={(on) => show({ wrap: on ? 'on' : undefined })}
              />
              <Columns columns={shown.columns} onColumns={(columns) => show({ column: columnsToSearch(columns) })} />
            </>
          )}
          <SegmentedControl
            size="xs"
            aria-label="View"
            value={view.view ?? 'list'}
            onChange={(next) => show({ view: views.find((one) => one === next), record: undefined })}
            data={[
              { value: 'list', label: 'List' },
              { value: 'live', label: 'Live' },
              { value: 'patterns', label: 'Patterns' },
            ]}
          />
        </LogFigures>
        {view.view === 'live' ? (
          <Live filters={filters} shown={shown} />
        ) : view.view === 'patterns' ? (
          <Patterns filters={filters} />
        ) : (
          <Records filters={filters} view={view} onView={show} shown={shown} />
        )}
      </Faceted>
    </Page>
  );
}
