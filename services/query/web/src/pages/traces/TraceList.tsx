import { Skeleton } from '@mantine/core';
import { IconAlertCircleFilled } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import type { TraceSummary } from '../../api/model';
import { ListFoot } from '../../parts/ListFoot';
import list from '../../parts/List.module.css';
import { plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { target } from '../../parts/target';
import { useServiceColour } from '../../parts/service-colours';
import { formatDuration } from '../../time/duration';
import { formatClock, formatOtherDay, formatUTC } from '../../time/instant';
import classes from './TraceList.module.css';

interface Props {
  traces: readonly TraceSummary[];
  stale: boolean;
  hasMore: boolean;
  loadingMore: boolean;
  loadMore: () => void;
}

const rowHeight = 34;

export function TraceList({ traces, stale, hasMore, loadingMore, loadMore }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: traces.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const longest = traces.reduce((max, t) => Math.max(max, t.duration), 1);
  return (
    <div ref={scroller} className={list.scroller} data-stale={stale || undefined}>
      <div className={`${list.head} ${classes.columns}`} aria-hidden>
        <span>Time</span>
        <span>Root</span>
        <span className={classes.durationHead}>Duration</span>
        <span className={classes.right}>Spans</span>
        <span>Errors</span>
        <span>Services</span>
      </div>
      <ul className={list.body} style={{ height: rows.getTotalSize() }} aria-label="Traces">
        {rows.getVirtualItems().map((item) => {
          const trace = traces[item.index];
          if (trace === undefined) return null;
          return (
            <li key={item.key}>
              <Row trace={trace} longest={longest} top={item.start} />
            </li>
          );
        })}
      </ul>
      <ListFoot count={traces.length} what="trace" hasMore={hasMore} loadingMore={loadingMore} loadMore={loadMore} />
    </div>
  );
}

function Row({ trace, longest, top }: { trace: TraceSummary; longest: number; top: number }) {
  const colour = useServiceColour();
  const day = formatOtherDay(trace.start);
  const path = target(trace.root.name, trace.root.attributes);
  return (
    <Link
      to="/traces/$traceId"
      params={{ traceId: trace.traceId }}
      className={`${list.row} ${classes.columns}`}
      style={{ transform: `translateY(${top}px)` }}
    >
      <time className={classes.time} dateTime={formatUTC(trace.start)} title={formatUTC(trace.start)}>
        {day !== '' && <span>{day} </span>}
        {formatClock(trace.start, 3)}
      </time>
      <span className={classes.root}>
        <Service name={trace.root.service} dim />
        <span className={classes.name} title={`${trace.root.name} ${path}`}>
          <b>{trace.root.name}</b> {path}
        </span>
        {trace.rootMissing && (
          <span className={classes.missing} title="The root span is not here; this is the earliest span">
            root missing
          </span>
        )}
      </span>
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
      <span className={`${classes.right} numeric`}>{trace.spans.toLocaleString('en-US')}</span>
      <span>
        {trace.errors > 0 && (
          <span className={classes.errors} title={plural(trace.errors, 'span with an error', 'spans with errors')}>
            <IconAlertCircleFilled size={13} aria-hidden />
            {trace.errors}
          </span>
        )}
      </span>
      <ServiceStrip trace={trace} />
    </Link>
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

export function TraceListSkeleton() {
  return (
    <div className={classes.skeleton} aria-label="Loading" role="status">
      <Skeleton height={120} radius={6} />
      {Array.from({ length: 14 }, (_, i) => (
        <div key={i} className={classes.columns}>
          <Skeleton height={10} width="80%" />
          <Skeleton height={10} width={`${40 + ((i * 37) % 45)}%`} />
          <Skeleton height={10} width={`${20 + ((i * 53) % 70)}%`} />
          <Skeleton height={10} />
          <span />
          <Skeleton height={10} width="70%" />
        </div>
      ))}
    </div>
  );
}
