import { useMemo, useState } from 'react';
import type { LogRecord } from '../api/model';
import { List } from './List';
import { logColumns, logText, type InTrace } from './logColumns';
import { LogDetails } from './LogDetails';
import classes from './LogList.module.css';
import type { Items } from './paged';
import type { More } from './pages';
import { useHoldRefresh } from './refresh';
import { label } from './shown';

interface Props {
  logs: Items<LogRecord>;
  stale: boolean;
  inTrace?: InTrace;
  more?: More;
}

export const logKey = (record: LogRecord) => record.id;

/** Log records, one line each; a click opens one. */
export function LogList({ logs, stale, inTrace, more }: Props) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  useHoldRefresh(open.size > 0 ? 'a log record is open' : undefined);
  const columns = useMemo(() => logColumns(inTrace), [inTrace]);
  const toggle = ({ id }: LogRecord) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  return (
    <List
      label="Log records"
      columns={columns}
      items={logs}
      itemKey={logKey}
      rowHeight={30}
      gap={12}
      className={classes.list}
      stale={stale}
      opening={{
        isOpen: (record) => open.has(record.id),
        toggle,
        label: (record, isOpen) => `${isOpen ? 'Close' : 'Open'} log record: ${label(logText(record))}`,
        detail: (record) => <LogDetails record={record} inTrace={inTrace} />,
      }}
      {...(more === undefined ? {} : { more: { what: 'log record', ...more } })}
    />
  );
}
