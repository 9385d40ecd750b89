import type { LogRecord } from '../api/model';
import { formatDuration } from '../time/duration';
import { formatUTC } from '../time/instant';
import classes from './LogLines.module.css';
import { severityColour, severityLabel } from './severity';
import { valueText } from './value';

/** A few log records, oldest first, as plain lines beside a span; times count from the start of the trace. */
export function LogLines({ logs, start }: { logs: readonly LogRecord[]; start: bigint }) {
  const ordered = logs.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return (
    <ol className={classes.lines}>
      {ordered.map((record) => (
        <li key={record.id}>
          <time dateTime={formatUTC(record.time)} title={formatUTC(record.time)}>
            +{formatDuration(Number(record.time - start))}
          </time>
          <b style={{ color: severityColour(record.severityNumber) }}>
            {severityLabel(record.severityNumber, record.severityText)}
          </b>
          <span>{valueText(record.body) || record.eventName}</span>
        </li>
      ))}
    </ol>
  );
}
