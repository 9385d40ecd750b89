import { ActionIcon, Tooltip } from '@mantine/core';
import { IconListTree } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { LogRecord } from '../api/model';
import { formatDuration } from '../time/duration';
import { formatClock, formatOtherDay, formatUTC } from '../time/instant';
import type { Column } from './columns';
import classes from './logColumns.module.css';
import { Pointable } from './query/pointing';
import { Service } from './Service';
import { LongText, Text } from './Text';
import { severityColour, severityLabel, severityOf } from './severity';
import { valueText } from './value';

/** Inside of a trace, times count from its start, and records lead to their span rather than to the trace. */
export interface InTrace {
  traceId: string;
  start: bigint;
}

type LogColumn = Column<LogRecord>;

/** Most characters of a body in its line: a screen of 3,840 pixels shows 500. */
const lineOfBody = 600;

/** What a record says on one line. */
export const logText = (record: LogRecord): string => valueText(record.body) || record.eventName;

/** The columns of a list of log records. */
export const logColumns = (inTrace: InTrace | undefined): readonly LogColumn[] => [
  {
    id: 'time',
    header: 'Time',
    width: '188px',
    className: classes.time,
    cell: (record) => (inTrace === undefined ? <ClockTime time={record.time} /> : sinceStart(inTrace.start, record)),
  },
  {
    id: 'severity',
    header: 'Severity',
    width: '64px',
    cell: ({ severityNumber, severityText }) => <Severity number={severityNumber} text={severityText} />,
  },
  {
    id: 'service',
    header: 'Service',
    width: 'minmax(110px, 150px)',
    className: classes.service,
    cell: ({ service }) => (
      <Pointable signal="logs" field="service" value={service} shown={service} within>
        <Service name={service} dim />
      </Pointable>
    ),
  },
  {
    id: 'body',
    header: 'Body',
    width: 'minmax(0, 1fr)',
    className: classes.body,
    cell: (record) => <Text of={logText(record)} most={lineOfBody} />,
  },
  {
    id: 'trace',
    header: '',
    width: '24px',
    className: classes.links,
    cell: (record) =>
      record.traceId !== '' && (
        <TraceLink record={record} label={inTrace === undefined ? 'Open the trace' : 'Show the span'} />
      ),
  },
];

/** The columns of the log records of one span, which have little room: bodies wrap. */
export const spanLogColumns = (traceStart: bigint): readonly LogColumn[] => [
  { id: 'time', header: '', width: '68px', className: classes.since, cell: (record) => sinceStart(traceStart, record) },
  {
    id: 'severity',
    header: '',
    width: '46px',
    cell: ({ severityNumber, severityText }) => (
      <b className={classes.level} style={{ color: severityColour(severityNumber) }}>
        <Text of={severityLabel(severityNumber, severityText)} most={20} />
      </b>
    ),
  },
  {
    id: 'body',
    header: '',
    width: 'minmax(0, 1fr)',
    className: classes.wrapped,
    cell: (record) => <LongText of={logText(record)} lines={6} />,
  },
];

function Severity({ number, text }: { number: number; text: string }) {
  const shown = (
    <span className={classes.severity} style={{ color: severityColour(number) }}>
      <i aria-hidden />
      <span>
        <Text of={severityLabel(number, text)} most={20} />
      </span>
    </span>
  );
  const name = severityOf(number)?.name;
  if (name === undefined) return shown;
  return (
    <Pointable signal="logs" field="severity" value={name} shown={name} within>
      {shown}
    </Pointable>
  );
}

function sinceStart(start: bigint, { time }: LogRecord) {
  return (
    <time dateTime={formatUTC(time)} title={formatUTC(time)}>
      +{formatDuration(Number(time - start))}
    </time>
  );
}

function ClockTime({ time }: { time: bigint }) {
  const day = formatOtherDay(time);
  return (
    <time dateTime={formatUTC(time)} title={formatUTC(time)}>
      {day !== '' && <span>{day} </span>}
      {formatClock(time, 3)}
      <span>{formatClock(time, 9).slice(-6)}</span>
    </time>
  );
}

function TraceLink({ record, label }: { record: LogRecord; label: string }) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        size={22}
        variant="subtle"
        color="brand"
        aria-label={label}
        onClick={(event: React.MouseEvent) => event.stopPropagation()}
        renderRoot={(root) => (
          <Link
            to="/traces/$traceId"
            params={{ traceId: record.traceId }}
            search={record.spanId === '' ? {} : { span: record.spanId }}
            {...root}
          />
        )}
      >
        <IconListTree size={14} />
      </ActionIcon>
    </Tooltip>
  );
}
