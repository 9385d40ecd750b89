import { ActionIcon, Tooltip } from '@mantine/core';
import { IconListTree } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { LogRecord } from '../api/model';
import { isCut } from '../filter/edit';
import { formatDuration } from '../time/duration';
import { formatClock, formatOtherDay, formatUTC } from '../time/instant';
import type { Column } from './columns';
import { fieldOf, fieldTitle } from './logFields';
import classes from './logColumns.module.css';
import { Marked } from './Marked';
import { literalOf, Pointable } from './query/pointing';
import { Service } from './Service';
import { isolated } from './shown';
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

/** Most that a body may take of a list in which bodies wrap; all of it is below its line. */
const wrappedBody = 4_000;

/** What a record says on one line. */
export const logText = (record: LogRecord): string => valueText(record.body) || record.eventName;

/** How a list shows its records. */
export interface LogsShown {
  /** Fields that have a column each, between time and body. */
  columns: readonly string[];
  /** Bodies take as many lines as they need. */
  wrap: boolean;
  /** Some may be of another day. */
  days: boolean;
  /** What is marked in bodies. */
  marks: RegExp | undefined;
}

/** As they are shown where nobody chooses. */
export const plainly: LogsShown = { columns: ['severity', 'service'], wrap: false, days: true, marks: undefined };

/** The columns of a list of log records. */
export const logColumns = (inTrace: InTrace | undefined, shown: LogsShown): readonly LogColumn[] => [
  {
    id: 'time',
    header: 'Time',
    width: shown.days ? '168px' : '112px',
    className: classes.time,
    cell: (record) => (
      <span data-severity={severityOf(record.severityNumber)?.name}>
        {inTrace === undefined ? <ClockTime time={record.time} /> : sinceStart(inTrace.start, record)}
      </span>
    ),
  },
  ...shown.columns.map(fieldColumn),
  {
    id: 'body',
    header: 'Body',
    width: 'minmax(240px, 1fr)',
    narrow: 'minmax(160px, 1fr)',
    className: shown.wrap ? classes.wrapped : classes.body,
    cell: (record) => <Marked of={logText(record)} most={shown.wrap ? wrappedBody : lineOfBody} marks={shown.marks} />,
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

function fieldColumn(field: string): LogColumn {
  switch (field) {
    case 'severity':
      return {
        id: field,
        header: 'Severity',
        width: '56px',
        cell: ({ severityNumber, severityText }) => <Severity number={severityNumber} text={severityText} />,
      };
    case 'service':
      return {
        id: field,
        header: 'Service',
        width: 'minmax(90px, 140px)',
        className: classes.service,
        cell: ({ service }) => (
          <Pointable signal="logs" field="service" value={service} shown={service} within>
            <Service name={service} dim />
          </Pointable>
        ),
      };
    default:
      return {
        id: `of ${field}`,
        header: isolated(fieldTitle(field), 40),
        width: 'minmax(90px, 150px)',
        className: classes.field,
        cell: (record) => <Field record={record} field={field} />,
      };
  }
}

/** What a record has of a field that was chosen. */
function Field({ record, field }: { record: LogRecord; field: string }) {
  const value = fieldOf(record, field);
  if (value === undefined) return <i className={classes.absent}>–</i>;
  const text = valueText(value);
  const literal = literalOf(value);
  const shown = <Text of={text} />;
  if (literal === undefined || isCut(field, literal)) return shown;
  return (
    <Pointable signal="logs" field={field} value={literal} shown={text} within>
      {shown}
    </Pointable>
  );
}

/** The columns of the log records of one span, which have little room: bodies wrap. */
export const spanLogColumns = (traceStart: bigint): readonly LogColumn[] => [
  { id: 'time', header: '', width: '68px', className: classes.since, cell: (record) => sinceStart(traceStart, record) },
  {
    id: 'severity',
    header: '',
    width: '46px',
    cell: ({ severityNumber, severityText }) => <Level number={severityNumber} text={severityText} />,
  },
  {
    id: 'body',
    header: '',
    width: 'minmax(0, 1fr)',
    className: classes.wrapped,
    cell: (record) => <LongText of={logText(record)} lines={6} />,
  },
];

/** The columns of what surrounds a record: it stands out, the others lead to themselves by their text. */
export const contextColumns = (of: string, marks: RegExp | undefined): readonly LogColumn[] => [
  {
    id: 'time',
    header: '',
    width: '100px',
    className: classes.since,
    cell: (record) => (
      <span data-here={record.id === of || undefined}>
        <ClockTime time={record.time} />
        {record.id === of && <span className={classes.unseen}> this record</span>}
      </span>
    ),
  },
  {
    id: 'severity',
    header: '',
    width: '46px',
    cell: ({ severityNumber, severityText }) => <Level number={severityNumber} text={severityText} />,
  },
  {
    id: 'body',
    header: '',
    width: 'minmax(0, 1fr)',
    className: classes.body,
    cell: (record) => (
      <span title={logText(record).slice(0, 1_000)}>
        <Marked of={logText(record)} most={lineOfBody} marks={marks} />
      </span>
    ),
  },
];

function Level({ number, text }: { number: number; text: string }) {
  return (
    <b className={classes.level} style={{ color: severityColour(number) }}>
      <Text of={severityLabel(number, text)} most={20} />
    </b>
  );
}

function Severity({ number, text }: { number: number; text: string }) {
  const shown = (
    <span className={classes.severity} style={{ color: severityColour(number) }}>
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
    </time>
  );
}

function TraceLink({ record, label }: { record: LogRecord; label: string }) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        size={24}
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
