import { useMemo } from 'react';
import type { LogRecord } from '../api/model';
import { Rows } from './List';
import { spanLogColumns } from './logColumns';
import classes from './LogLines.module.css';

/** Log records where there is no room for columns: beside a span. Times count from the start of its trace. */
export function LogLines({ logs, start }: { logs: readonly LogRecord[]; start: bigint }) {
  const columns = useMemo(() => spanLogColumns(start), [start]);
  const ordered = logs.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return (
    <Rows
      label="Log records of this span"
      columns={columns}
      items={ordered}
      itemKey={(record) => record.id}
      gap={8}
      className={classes.lines}
    />
  );
}
