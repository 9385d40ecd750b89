import { searchLogs } from '../../api/endpoints';
import { Lines, Loading } from '../../parts/Loading';
import { LogList, logKey } from '../../parts/LogList';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { usePages } from '../../parts/pages';
import { Faceted } from '../../parts/query/Facets';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';

export function LogsPage() {
  const filters = useFilters('logs');
  const list = usePages('logs', filters, searchLogs, logKey);
  return (
    <Page title="Logs" answer={list.answer}>
      <QueryBar signal="logs" />
      <Faceted signal="logs" filters={filters} items="log records">
        <Outcome
          of={list}
          isEmpty={(found) => found.length === 0}
          loading={
            <Loading gap={20}>
              <Lines count={20} height={10} widest={92} by={40} />
            </Loading>
          }
          nothing={<Nothing what="log records" clearFilters={filters.any ? filters.clear : undefined} />}
        >
          {(found) => <LogList logs={found} stale={list.stale} more={list.more} />}
        </Outcome>
      </Faceted>
    </Page>
  );
}
