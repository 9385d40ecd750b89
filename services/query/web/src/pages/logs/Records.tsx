import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { getLogContext, searchLogs, type SearchOrder } from '../../api/endpoints';
import type { LogRecord } from '../../api/model';
import { Lines, Loading } from '../../parts/Loading';
import type { LogsShown } from '../../parts/logColumns';
import { LogDetails } from '../../parts/LogDetails';
import { LogList, logKey } from '../../parts/LogList';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { usePages } from '../../parts/pages';
import type { Items } from '../../parts/paged';
import type { Filters } from '../../parts/query/filters';
import { said } from '../../parts/said';
import { formatInstant } from '../../time/instant';
import classes from './Records.module.css';
import { recordFromText, recordToText, type LogView, type LogViewChange, type RecordName } from './view';

/** Records of a page after the first: as many as the server gives, since people look for what is far away. */
const pageOf = 1_000;

const oldestFirst: SearchOrder = { by: 'time', order: 'asc' };

interface Props {
  filters: Filters;
  view: LogView;
  onView: (change: LogViewChange) => void;
  shown: LogsShown;
}

/** The records of the range, page by page. */
export function Records({ filters, view, onView, shown }: Props) {
  const order = view.order === 'oldest' ? oldestFirst : undefined;
  const list = usePages('logs', filters, searchLogs, logKey, order, pageOf);
  const named = useMemo(() => recordFromText(view.record), [view.record]);
  const has = useMet(list.data, named?.id);
  return (
    <>
      {named !== undefined && list.data !== undefined && !list.stale && !has && (
        <Elsewhere key={named.id} record={named} shown={shown} onClose={() => onView({ record: undefined })} />
      )}
      <Outcome
        of={list}
        isEmpty={(found) => found.length === 0}
        loading={logsLoading}
        nothing={<Nothing what="log records" clearFilters={filters.any ? filters.clear : undefined} />}
      >
        {(found) => (
          <LogList
            logs={found}
            stale={list.stale}
            more={list.more}
            shown={shown}
            record={{
              is: named?.id,
              name: (record) => onView({ record: record === undefined ? undefined : recordToText(record) }),
            }}
          />
        )}
      </Outcome>
    </>
  );
}

export const logsLoading = (
  <Loading gap={12}>
    <Lines count={28} height={10} widest={92} by={40} />
  </Loading>
);

/** Whether a list has a record, or has had it: pages that are far away are forgotten. */
function useMet(records: Items<LogRecord> | undefined, id: string | undefined): boolean {
  const [met, setMet] = useState<string>();
  const has = useMemo(
    () => id !== undefined && met !== id && records !== undefined && holds(records, id),
    [records, id, met],
  );
  if (has) setMet(id);
  return has || (id !== undefined && met === id);
}

function holds(records: Items<LogRecord>, id: string): boolean {
  for (let i = 0; i < records.length; i++) if (records.at(i)?.id === id) return true;
  return false;
}

/** The record that the address names, where the list has not come to it, or never will: a link says more than its list does. */
function Elsewhere({ record, shown, onClose }: { record: RecordName; shown: LogsShown; onClose: () => void }) {
  const asked = useQuery({
    queryKey: ['log-record', record.id],
    queryFn: ({ signal }) => getLogContext(record, 'resource', 1, undefined, signal),
    staleTime: Infinity,
  });
  const found = asked.data?.data.logs[asked.data.data.index ?? -1];
  return (
    <section className={classes.elsewhere} aria-label="The record of this link">
      <header>
        <h2>The record of this link, {formatInstant(record.time)}</h2>
        <span>It is not among those loaded below.</span>
        <Button size="compact-xs" variant="default" onClick={onClose}>
          Close
        </Button>
      </header>
      {found !== undefined ? (
        <LogDetails record={found} inTrace={undefined} marks={shown.marks} />
      ) : (
        <p role={asked.error === null ? 'status' : 'alert'}>
          {asked.error === null ? 'Looking for it…' : `It could not be had: ${said(asked.error)}`}
        </p>
      )}
    </section>
  );
}
