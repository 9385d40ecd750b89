import { Skeleton } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { searchLogs } from '../../api/endpoints';
import { Failure } from '../../parts/Failure';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { LogList } from '../../parts/LogList';
import { Nothing } from '../../parts/Nothing';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { compact } from '../../route/search';
import { hasFilters, logFilters, logSearch, type LogSearch } from './filters';
import { LogFilters } from './LogFilters';
import classes from './LogsPage.module.css';

const route = getRouteApi('/logs');

export function LogsPage() {
  const search = route.useSearch();
  const filters = useMemo(() => logFilters(search), [search]);
  const list = usePages('logs', filters, searchLogs);
  const navigate = route.useNavigate();
  const change = (part: { [K in keyof LogSearch]: LogSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }) });
  const clear = () =>
    void navigate({
      search: (before) => {
        const filterKeys = new Set(Object.keys(logSearch(before)));
        return Object.fromEntries(Object.entries(before).filter(([key]) => !filterKeys.has(key)));
      },
    });
  return (
    <Page title="Logs" answer={list.answer}>
      <LogFilters search={search} onChange={change} onClear={clear} />
      {list.error !== null && (list.items === undefined || list.stale) ? (
        <Failure error={list.error} retry={list.retry} />
      ) : list.items === undefined ? (
        <div className={classes.skeleton} role="status" aria-label="Loading">
          {Array.from({ length: 20 }, (_, i) => (
            <Skeleton key={i} height={10} width={`${92 - ((i * 31) % 40)}%`} />
          ))}
        </div>
      ) : list.items.length === 0 ? (
        <Nothing what="log records" clearFilters={hasFilters(search) ? clear : undefined} />
      ) : (
        <>
          <IncompleteNote answer={list.answer} />
          <LogList
            logs={list.items}
            stale={list.stale}
            more={{ hasMore: list.hasMore, loadingMore: list.loadingMore, loadMore: list.loadMore }}
          />
        </>
      )}
    </Page>
  );
}
