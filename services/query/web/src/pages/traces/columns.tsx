import { IconAlertCircleFilled } from '@tabler/icons-react';
import type { TraceSummary } from '../../api/model';
import type { Column } from '../../parts/columns';
import { plural } from '../../parts/number';
import { Pointable } from '../../parts/query/pointing';
import { Service } from '../../parts/Service';
import { useServiceColour } from '../../parts/service-colours';
import { target } from '../../parts/target';
import { hint, room, shownText } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { formatDuration } from '../../time/duration';
import { formatClock, formatOtherDay, formatUTC } from '../../time/instant';
import classes from './columns.module.css';

/** The columns of the list of traces. The server sorts, by time in both directions and else the most first. */
export const traceColumns: readonly Column<TraceSummary>[] = [
  {
    id: 'time',
    header: 'Time',
    width: '108px',
    narrow: '96px',
    className: classes.time,
    sort: { first: 'descending' },
    cell: (trace) => <Moment at={trace.start} />,
  },
  {
    id: 'root',
    header: 'Root',
    width: 'minmax(220px, 2.2fr)',
    narrow: 'minmax(120px, 2fr)',
    className: classes.root,
    cell: (trace) => <Root trace={trace} />,
  },
  {
    id: 'duration',
    header: 'Duration',
    width: 'minmax(190px, 1.1fr)',
    narrow: 'minmax(110px, 1fr)',
    sort: { first: 'descending', fixed: true },
    cell: (trace) => <DurationBar nanos={trace.duration} service={trace.root.service} failed={trace.errors > 0} />,
  },
  {
    id: 'spans',
    header: 'Spans',
    width: '62px',
    narrow: '58px',
    align: 'end',
    className: 'numeric',
    sort: { first: 'descending', fixed: true },
    cell: (trace) => trace.spans.toLocaleString('en-US'),
  },
  {
    id: 'errors',
    header: 'Errors',
    width: '62px',
    narrow: '58px',
    sort: { first: 'descending', fixed: true },
    cell: (trace) => trace.errors > 0 && <Errors count={trace.errors} />,
  },
  {
    id: 'services',
    header: 'Services',
    width: 'minmax(130px, 190px)',
    narrow: null,
    cell: (trace) => <ServiceStrip trace={trace} />,
  },
];

/** On a phone each trace is a card. */
export const phoneColumns: readonly Column<TraceSummary>[] = [
  {
    id: 'card',
    header: '',
    width: 'minmax(0, 1fr)',
    cell: (trace) => (
      <span className={classes.card}>
        <span className={classes.root}>
          <Root trace={trace} />
        </span>
        <span className={classes.facts}>
          <span className={classes.time}>
            <Moment at={trace.start} />
          </span>
          <DurationBar nanos={trace.duration} service={trace.root.service} failed={trace.errors > 0} />
          {trace.errors > 0 ? <Errors count={trace.errors} /> : <span>{plural(trace.spans, 'span')}</span>}
        </span>
      </span>
    ),
  },
];

/**
 * The columns where the list goes by one of them: by spans and by errors the server counts those that match, so these are told
 * before those of the whole trace. Without them the numbers would seem to be in no order.
 */
export const columnsBy = (by: string): readonly Column<TraceSummary>[] =>
  traceColumns.map((column) => {
    const count = { spans: (of: TraceSummary) => of.spans, errors: (of: TraceSummary) => of.errors }[column.id];
    if (column.id !== by || count === undefined) return column;
    return {
      ...column,
      width: '112px',
      narrow: '96px',
      cell: (trace) => {
        const text = countOf(trace.matched, count(trace));
        return text === undefined ? (
          column.cell(trace)
        ) : (
          <span title="Those that match, of all of the trace">{text}</span>
        );
      },
    };
  });

/** "9 of 40"; undefined where all match. */
export const countOf = (matched: number | undefined, all: number): string | undefined =>
  matched === undefined || matched === all
    ? undefined
    : `${matched.toLocaleString('en-US')} of ${all.toLocaleString('en-US')}`;

/** When something began; the day where that is not today. */
export function Moment({ at }: { at: bigint }) {
  const day = formatOtherDay(at);
  return (
    <time dateTime={formatUTC(at)} title={formatUTC(at)}>
      {day !== '' && <span>{day} </span>}
      {formatClock(at, 3)}
    </time>
  );
}

function Root({ trace: { root, rootMissing } }: { trace: TraceSummary }) {
  const path = target(root.name, root.attributes);
  return (
    <>
      <Pointable signal="traces" field="service" value={root.service} shown={root.service} within>
        <Service name={root.service} dim />
      </Pointable>
      <span className={classes.name} title={hint(`${root.name} ${path}`)}>
        <b>
          <Text of={root.name} empty="no span name" />
        </b>{' '}
        {path !== '' && <Text of={path} />}
      </span>
      {rootMissing && (
        <span className={classes.missing} title="The root span is not here; this is the earliest span">
          root missing
        </span>
      )}
    </>
  );
}

/** How much of its track the bar of a duration fills: by its logarithm, from 100 µs to 100 s, the same in every list. */
export const barOf = (nanos: number): number => Math.min(Math.max(Math.log10(Math.max(nanos, 1) / 1e5) / 6, 0.01), 1);

/** A length of time with a bar in the colour of who took it, or of failure. */
export function DurationBar({ nanos, service, failed }: { nanos: number; service: string; failed: boolean }) {
  const colour = useServiceColour();
  return (
    <span className={classes.duration}>
      <span className="numeric">{formatDuration(nanos)}</span>
      <span className={classes.track} title="On a logarithmic scale from 100 µs to 100 s" aria-hidden>
        <span
          style={{
            width: `${barOf(nanos) * 100}%`,
            background: failed ? 'var(--error)' : colour(service),
          }}
        />
      </span>
    </span>
  );
}

function Errors({ count }: { count: number }) {
  return (
    <span className={classes.errors} title={plural(count, 'span with an error', 'spans with errors')}>
      <IconAlertCircleFilled size={13} aria-hidden />
      {count}
    </span>
  );
}

/** The services of a trace as a strip, each as wide as its share of the spans, and how many there are. */
function ServiceStrip({ trace }: { trace: TraceSummary }) {
  const colour = useServiceColour();
  const label = trace.services.map((s) => `${shownText(s.name, room.label)}: ${plural(s.spans, 'span')}`).join('\n');
  return (
    <span className={classes.services} title={hint(label)}>
      <span className={classes.strip} aria-hidden>
        {trace.services.map((s) => (
          <span key={s.name} style={{ flexGrow: s.spans, background: colour(s.name) }} />
        ))}
      </span>
      <span className={classes.names}>
        {trace.services.length === 1 ? (
          <Text of={trace.services[0]?.name ?? ''} empty="no service name" />
        ) : (
          `${trace.services.length} services`
        )}
      </span>
    </span>
  );
}
