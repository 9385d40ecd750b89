import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { TraceSummary } from '../../api/model';
import { orderToText, type Order } from '../../parts/columns';
import { useRowHeight } from '../../parts/density';
import { List } from '../../parts/List';
import type { Items } from '../../parts/paged';
import type { More } from '../../parts/pages';
import { usePhone } from '../../parts/phone';
import { useQueryText } from '../../route/query';
import { compact } from '../../route/search';
import { columnsBy, phoneColumns } from './columns';
import { fieldColumns } from './fieldColumns';

interface Props {
  traces: Items<TraceSummary>;
  stale: boolean;
  /** Fields of roots that have a column each. */
  chosen: readonly string[];
  order: { is: Order; set: (order: Order) => void };
  more: More;
}

/** Pixels between its columns. */
export const traceGap = 16;

export const traceKey = (trace: TraceSummary) => trace.traceId;

/** Traces, one line each, which lead to them. */
export function TraceList({ traces, stale, chosen, order, more }: Props) {
  const rowHeight = useRowHeight();
  const phone = usePhone();
  const columns = useMemo(
    () =>
      phone
        ? phoneColumns
        : [...columnsBy(order.is.by), ...fieldColumns<TraceSummary>(chosen, ({ root }) => root.fields)],
    [phone, order.is.by, chosen],
  );
  const { text, anywhere } = useQueryText();
  // A trace knows the list that it was opened from: from there one goes on to the next.
  const from = compact({
    list: orderToText(order.is),
    column: [...chosen],
    q: text,
    scope: anywhere ? ('trace' as const) : undefined,
  });
  return (
    <List
      label="Traces"
      columns={columns}
      items={traces}
      itemKey={traceKey}
      rowHeight={phone ? 54 : rowHeight}
      gap={traceGap}
      stale={stale}
      order={order}
      link={(trace, line) => <Link to="/traces/$traceId" params={{ traceId: trace.traceId }} search={from} {...line} />}
      more={{ what: 'trace', ...more }}
    />
  );
}
