import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { searchLogs } from '../../api/endpoints';
import { Lines, Loading } from '../../parts/Loading';
import { LogList } from '../../parts/LogList';
import { useGrammar } from '../../parts/grammar';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { compact } from '../../route/search';
import { hasFilters, logFilters, logSearch, type LogSearch } from './filters';
import { LogFilters } from './LogFilters';

const route = getRouteApi('/logs');

export function LogsPage() {
  const search = route.useSearch();
  const grammar = useGrammar('logs');
  const filters = useMemo(() => logFilters(search, grammar.data), [search, grammar.data]);
  const list = usePages('logs', { ...grammar, data: filters }, searchLogs);
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
      <Outcome
        of={list}
        loading={
          <Loading gap={20}>
            <Lines count={20} height={10} widest={92} by={40} />
          </Loading>
        }
        nothing={<Nothing what="log records" clearFilters={hasFilters(search) ? clear : undefined} />}
      >
        {(found) => <LogList logs={found} stale={list.stale} more={list.more} />}
      </Outcome>
    </Page>
  );
}
