import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { TraceSummary } from '../../api/model';
import { List } from '../../parts/List';
import { traceColumns } from './columns';

interface Props {
  traces: readonly TraceSummary[];
  stale: boolean;
  more: { hasMore: boolean; loadingMore: boolean; loadMore: () => void };
}

/** Pixels between its columns. */
export const traceGap = 16;

const idOf = (trace: TraceSummary) => trace.traceId;

/** Traces, one line each, which lead to them. */
export function TraceList({ traces, stale, more }: Props) {
  const longest = traces.reduce((max, t) => Math.max(max, t.duration), 1);
  const columns = useMemo(() => traceColumns(longest), [longest]);
  return (
    <List
      label="Traces"
      columns={columns}
      items={traces}
      itemKey={idOf}
      rowHeight={34}
      gap={traceGap}
      stale={stale}
      link={(trace, line) => <Link to="/traces/$traceId" params={{ traceId: trace.traceId }} {...line} />}
      more={{ what: 'trace', ...more }}
    />
  );
}
