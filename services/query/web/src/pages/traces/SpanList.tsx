import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Column, Order } from '../../parts/columns';
import { useRowHeight } from '../../parts/density';
import { List } from '../../parts/List';
import type { Items } from '../../parts/paged';
import type { More } from '../../parts/pages';
import { Pointable } from '../../parts/query/pointing';
import { Service } from '../../parts/Service';
import { hint } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { DurationBar, Moment } from './columns';
import classes from './columns.module.css';
import { fieldColumns } from './fieldColumns';
import { spanKey, type SpanRow } from './spans';
import { traceGap } from './TraceList';

/** The columns of the list of spans, before those that were chosen. The server sorts. */
export const spanColumns: readonly Column<SpanRow>[] = [
  {
    id: 'time',
    header: 'Time',
    width: '108px',
    narrow: '96px',
    className: classes.time,
    sort: { first: 'descending' },
    cell: (span) => <Moment at={span.start} />,
  },
  {
    id: 'name',
    header: 'Span',
    width: 'minmax(220px, 2.2fr)',
    narrow: 'minmax(120px, 2fr)',
    className: classes.root,
    cell: (span) => (
      <>
        <Pointable signal="traces" field="service" value={span.service} shown={span.service} within>
          <Service name={span.service} dim />
        </Pointable>
        <span className={classes.name} title={hint(span.name)}>
          <b>
            <Text of={span.name} empty="no span name" />
          </b>
        </span>
      </>
    ),
  },
  {
    id: 'duration',
    header: 'Duration',
    width: 'minmax(190px, 1.1fr)',
    narrow: 'minmax(110px, 1fr)',
    sort: { first: 'descending', fixed: true },
    cell: (span) =>
      span.duration === undefined ? (
        <span title="It ended before it began">unknown</span>
      ) : (
        <DurationBar nanos={span.duration} service={span.service} failed={span.failed} />
      ),
  },
  { id: 'kind', header: 'Kind', width: '76px', narrow: null, className: classes.time, cell: (span) => span.kind },
  {
    id: 'status',
    header: 'Status',
    width: '62px',
    narrow: '52px',
    cell: (span) => span.failed && <span className={classes.failed}>error</span>,
  },
];

interface Props {
  spans: Items<SpanRow>;
  stale: boolean;
  /** Fields that have a column each. */
  chosen: readonly string[];
  order: { is: Order; set: (order: Order) => void };
  more: More;
}

/** Spans, one line each, which lead to them in their traces. */
export function SpanList({ spans, stale, chosen, order, more }: Props) {
  const rowHeight = useRowHeight();
  const columns = useMemo(() => [...spanColumns, ...fieldColumns<SpanRow>(chosen, ({ fields }) => fields)], [chosen]);
  return (
    <List
      label="Spans"
      columns={columns}
      items={spans}
      itemKey={spanKey}
      rowHeight={rowHeight}
      gap={traceGap}
      stale={stale}
      order={order}
      link={({ traceId, spanId }, line) => (
        <Link to="/traces/$traceId" params={{ traceId }} search={{ span: spanId }} {...line} />
      )}
      more={{ what: 'span', ...more }}
    />
  );
}
