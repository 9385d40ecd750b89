import { IconAlertCircleFilled } from '@tabler/icons-react';
import type { TraceSummary } from '../../api/model';
import type { Column } from '../../parts/columns';
import { plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { useServiceColour } from '../../parts/service-colours';
import { target } from '../../parts/target';
import { formatDuration } from '../../time/duration';
import { formatClock, formatOtherDay, formatUTC } from '../../time/instant';
import classes from './columns.module.css';

/** The columns of the list of traces; `longest` is the duration that fills a bar, in nanoseconds. */
export const traceColumns = (longest: number): readonly Column<TraceSummary>[] => [
  {
    id: 'time',
    header: 'Time',
    width: '108px',
    narrow: '96px',
    className: classes.time,
    cell: (trace) => <Time start={trace.start} />,
  },
  {
    id: 'root',
    header: 'Root',
    width: 'minmax(220px, 2.2fr)',
    narrow: 'minmax(180px, 2fr)',
    className: classes.root,
    cell: (trace) => <Root trace={trace} />,
  },
  {
    id: 'duration',
    header: 'Duration',
    width: 'minmax(190px, 1.1fr)',
    narrow: 'minmax(140px, 1fr)',
    cell: (trace) => <Duration trace={trace} longest={longest} />,
  },
  {
    id: 'spans',
    header: 'Spans',
    width: '56px',
    narrow: '48px',
    align: 'end',
    className: 'numeric',
    cell: (trace) => trace.spans.toLocaleString('en-US'),
  },
  {
    id: 'errors',
    header: 'Errors',
    width: '56px',
    narrow: '50px',
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

function Time({ start }: { start: bigint }) {
  const day = formatOtherDay(start);
  return (
    <time dateTime={formatUTC(start)} title={formatUTC(start)}>
      {day !== '' && <span>{day} </span>}
      {formatClock(start, 3)}
    </time>
  );
}

function Root({ trace: { root, rootMissing } }: { trace: TraceSummary }) {
  const path = target(root.name, root.attributes);
  return (
    <>
      <Service name={root.service} dim />
      <span className={classes.name} title={`${root.name} ${path}`}>
        <b>{root.name}</b> {path}
      </span>
      {rootMissing && (
        <span className={classes.missing} title="The root span is not here; this is the earliest span">
          root missing
        </span>
      )}
    </>
  );
}

function Duration({ trace, longest }: { trace: TraceSummary; longest: number }) {
  const colour = useServiceColour();
  return (
    <span className={classes.duration}>
      <span className="numeric">{formatDuration(trace.duration)}</span>
      <span className={classes.track} aria-hidden>
        <span
          style={{
            width: `${Math.max((trace.duration / longest) * 100, 0.8)}%`,
            background: trace.errors > 0 ? 'var(--error)' : colour(trace.root.service),
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
  const label = trace.services.map((s) => `${s.name}: ${plural(s.spans, 'span')}`).join('\n');
  return (
    <span className={classes.services} title={label}>
      <span className={classes.strip} aria-hidden>
        {trace.services.map((s) => (
          <span key={s.name} style={{ flexGrow: s.spans, background: colour(s.name) }} />
        ))}
      </span>
      <span className={classes.names}>
        {trace.services.length === 1 ? trace.services[0]?.name : `${trace.services.length} services`}
      </span>
    </span>
  );
}
