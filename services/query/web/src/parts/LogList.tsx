import { ActionIcon, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconListTree } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, useState } from 'react';
import type { Attribute, LogRecord } from '../api/model';
import { formatDuration } from '../time/duration';
import { formatClock, formatInstant, formatOtherDay, formatUTC } from '../time/instant';
import { Attributes } from './Attributes';
import { Copy } from './Copy';
import list from './List.module.css';
import { ListFoot } from './ListFoot';
import classes from './LogList.module.css';
import { useHoldRefresh } from './refresh';
import { Service } from './Service';
import { severityColour, severityLabel } from './severity';
import { valueBlock, valueText } from './value';

interface Props {
  logs: readonly LogRecord[];
  stale: boolean;
  /** Inside of a trace: times count from its start, and records lead to their span rather than to the trace. */
  inTrace?: { traceId: string; start: bigint };
  more?: { hasMore: boolean; loadingMore: boolean; loadMore: () => void };
}

const rowHeight = 30;

/** Log records, one line each; a click opens one. */
export function LogList({ logs, stale, inTrace, more }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  useHoldRefresh(open.size > 0 ? 'a log record is open' : undefined);
  const rows = useVirtualizer({
    count: logs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (i) => logs[i]?.id ?? i,
    overscan: 16,
  });
  const toggle = (id: string) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      return next;
    });
  return (
    <div ref={scroller} className={list.scroller} data-stale={stale || undefined}>
      <div className={`${list.head} ${classes.columns} ${classes.head}`} aria-hidden>
        <span />
        <span>Time</span>
        <span>Severity</span>
        <span>Service</span>
        <span>Body</span>
        <span />
      </div>
      <ul className={list.body} style={{ height: rows.getTotalSize() }} aria-label="Log records">
        {rows.getVirtualItems().map((item) => {
          const record = logs[item.index];
          if (record === undefined) return null;
          const isOpen = open.has(record.id);
          return (
            <li
              key={item.key}
              ref={rows.measureElement}
              data-index={item.index}
              className={classes.item}
              data-open={isOpen || undefined}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Line record={record} isOpen={isOpen} toggle={() => toggle(record.id)} inTrace={inTrace} />
              {isOpen && <Details record={record} inTrace={inTrace} />}
            </li>
          );
        })}
      </ul>
      {more !== undefined && <ListFoot count={logs.length} what="log record" {...more} />}
    </div>
  );
}

function Line(props: { record: LogRecord; isOpen: boolean; toggle: () => void; inTrace: Props['inTrace'] }) {
  const { record, isOpen, toggle, inTrace } = props;
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  const body = valueText(record.body) || record.eventName;
  const day = formatOtherDay(record.time);
  return (
    <div className={`${classes.line} ${classes.columns}`} onClick={toggle}>
      <button
        type="button"
        className={classes.toggle}
        aria-expanded={isOpen}
        aria-label={`${isOpen ? 'Close' : 'Open'} log record: ${body.slice(0, 80)}`}
        onClick={(event) => {
          event.stopPropagation();
          toggle();
        }}
      >
        <Chevron size={13} stroke={2.2} />
      </button>
      <time className={classes.time} dateTime={formatUTC(record.time)} title={formatUTC(record.time)}>
        {inTrace !== undefined ? (
          `+${formatDuration(Number(record.time - inTrace.start))}`
        ) : (
          <>
            {day !== '' && <span>{day} </span>}
            {formatClock(record.time, 3)}
            <span>{formatClock(record.time, 9).slice(-6)}</span>
          </>
        )}
      </time>
      <span className={classes.severity} style={{ color: severityColour(record.severityNumber) }}>
        <i aria-hidden />
        {severityLabel(record.severityNumber, record.severityText)}
      </span>
      <Service name={record.service} dim />
      <span className={classes.body}>{body}</span>
      <span className={classes.links}>
        {record.traceId !== '' && (
          <Tooltip label={inTrace === undefined ? 'Open the trace' : 'Show the span'}>
            <ActionIcon
              size={22}
              variant="subtle"
              color="brand"
              aria-label={inTrace === undefined ? 'Open the trace' : 'Show the span'}
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
        )}
      </span>
    </div>
  );
}

function Details({ record, inTrace }: { record: LogRecord; inTrace: Props['inTrace'] }) {
  const body = valueBlock(record.body);
  const find = { page: '/logs' } as const;
  return (
    <div className={classes.details}>
      {body !== '' && (
        <div className={classes.block}>
          <pre tabIndex={0} aria-label="Body">
            {body}
          </pre>
          <Copy text={body} label="Copy body" />
        </div>
      )}
      <div className={classes.groups}>
        <section>
          <h3>Record</h3>
          <dl>
            <dt>Time</dt>
            <dd>
              {formatInstant(record.time, 9)}
              <Copy text={formatUTC(record.time)} label="Copy in UTC" />
            </dd>
            {record.observedTime !== 0n && record.observedTime !== record.time && (
              <>
                <dt>Observed</dt>
                <dd>{formatInstant(record.observedTime, 9)}</dd>
              </>
            )}
            <dt>Severity</dt>
            <dd>
              {record.severityText === '' ? '–' : record.severityText} ({record.severityNumber})
            </dd>
            {record.eventName !== '' && (
              <>
                <dt>Event</dt>
                <dd>{record.eventName}</dd>
              </>
            )}
            {record.traceId !== '' && (
              <>
                <dt>Trace</dt>
                <dd>
                  {inTrace === undefined ? (
                    <Link
                      to="/traces/$traceId"
                      params={{ traceId: record.traceId }}
                      search={record.spanId === '' ? {} : { span: record.spanId }}
                    >
                      <code>{record.traceId}</code>
                    </Link>
                  ) : (
                    <code>{record.traceId}</code>
                  )}
                  <Copy text={record.traceId} label="Copy trace ID" />
                </dd>
              </>
            )}
            {record.spanId !== '' && (
              <>
                <dt>Span</dt>
                <dd>
                  <code>{record.spanId}</code>
                  <Copy text={record.spanId} label="Copy span ID" />
                </dd>
              </>
            )}
          </dl>
          <h3>Attributes</h3>
          <Attributes
            attributes={record.attributes}
            dropped={record.droppedAttributes}
            find={{ ...find, prefix: 'attributes.' }}
          />
        </section>
        <section>
          <h3>Resource</h3>
          <Attributes
            attributes={record.resource.attributes}
            dropped={record.resource.droppedAttributes}
            find={{ ...find, prefix: 'resource.' }}
          />
          {(record.scope.name !== '' || record.scope.attributes.length > 0) && (
            <>
              <h3>Scope</h3>
              <Attributes attributes={scopeAttributes(record)} dropped={record.scope.droppedAttributes} />
            </>
          )}
        </section>
      </div>
    </div>
  );
}

function scopeAttributes({ scope }: LogRecord): Attribute[] {
  const text = (key: string, value: string): Attribute[] =>
    value === '' ? [] : [{ key, value: { type: 'string', value } }];
  return [...text('scope.name', scope.name), ...text('scope.version', scope.version), ...scope.attributes];
}
