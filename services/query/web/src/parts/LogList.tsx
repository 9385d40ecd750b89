import { useEffect, useMemo, useState } from 'react';
import type { LogRecord } from '../api/model';
import { useRowHeight } from './density';
import { List } from './List';
import { logColumns, logText, plainly, type InTrace, type LogsShown } from './logColumns';
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
  shown?: LogsShown;
  /** The one that the address names, and how to name another; undefined is none. */
  record?: { is: string | undefined; name: (record: LogRecord | undefined) => void };
  /** Tells whether one is open. */
  onOpen?: (some: boolean) => void;
}

export const logKey = (record: LogRecord) => record.id;

/** Log records, one line each; a click opens one. */
export function LogList({ logs, stale, inTrace, more, shown = plainly, record: named, onOpen }: Props) {
  const rowHeight = useRowHeight();
  const [open, setOpen] = useState<ReadonlySet<string>>(() => new Set(named?.is === undefined ? [] : [named.is]));
  useHoldRefresh(open.size > 0 ? 'a log record is open' : undefined);
  useEffect(() => onOpen?.(open.size > 0), [onOpen, open.size]);
  const columns = useMemo(() => logColumns(inTrace, shown), [inTrace, shown]);
  const toggle = (record: LogRecord) => {
    const next = new Set(open);
    const closed = next.delete(record.id);
    if (!closed) next.add(record.id);
    setOpen(next);
    if (!closed) named?.name(record);
    else if (named?.is === record.id) named.name(undefined);
  };
  return (
    <List
      label="Log records"
      columns={columns}
      items={logs}
      itemKey={logKey}
      rowHeight={rowHeight}
      gap={12}
      className={`${classes.list} ${shown.wrap ? classes.wrapping : ''}`}
      stale={stale}
      opening={{
        isOpen: (record) => open.has(record.id),
        toggle,
        label: (record, isOpen) => `${isOpen ? 'Close' : 'Open'} log record: ${label(logText(record))}`,
        detail: (record) => <LogDetails record={record} inTrace={inTrace} marks={shown.marks} />,
      }}
      {...(more === undefined ? {} : { more: { what: 'log record', ...more } })}
    />
  );
}
