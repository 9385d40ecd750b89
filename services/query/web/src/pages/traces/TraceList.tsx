import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { TraceSummary } from '../../api/model';
import { orderToText, type Order } from '../../parts/columns';
import { List } from '../../parts/List';
import type { Items } from '../../parts/paged';
import type { More } from '../../parts/pages';
import { useQueryText } from '../../route/query';
import { compact } from '../../route/search';
import { columnsBy } from './columns';

interface Props {
  traces: Items<TraceSummary>;
  stale: boolean;
  order: { is: Order; set: (order: Order) => void };
  more: More;
}

/** Pixels between its columns. */
export const traceGap = 16;

export const traceKey = (trace: TraceSummary) => trace.traceId;

/** Traces, one line each, which lead to them. */
export function TraceList({ traces, stale, order, more }: Props) {
  const columns = useMemo(() => columnsBy(order.is.by), [order.is.by]);
  const { text, anywhere } = useQueryText();
  // A trace knows the list that it was opened from: from there one goes on to the next.
  const from = compact({ list: orderToText(order.is), q: text, scope: anywhere ? ('trace' as const) : undefined });
  return (
    <List
      label="Traces"
      columns={columns}
      items={traces}
      itemKey={traceKey}
      rowHeight={34}
      gap={traceGap}
      stale={stale}
      order={order}
      link={(trace, line) => <Link to="/traces/$traceId" params={{ traceId: trace.traceId }} search={from} {...line} />}
      more={{ what: 'trace', ...more }}
    />
  );
}
