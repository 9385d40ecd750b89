// The list of traces, as it is asked for wherever it is shown or walked along: whoever asks the same finds the pages that are there.

import { useMemo } from 'react';
import type { Filter } from '../../api/endpoints';
import type { TraceSummary } from '../../api/model';
import type { Asked } from '../../parts/answer';
import type { Order } from '../../parts/columns';
import { usePages, type Pages } from '../../parts/pages';
import { targetFields } from '../../parts/target';
import { searchOrder, tracePage } from './order';
import { traceKey } from './TraceList';

export function useTraceList(
  filters: Asked<readonly Filter[]>,
  order: Order,
  columns: readonly string[],
): Pages<TraceSummary> {
  const fields = useMemo(() => [...targetFields, ...columns], [columns]);
  return usePages('traces', filters, tracePage, traceKey, searchOrder(order), undefined, fields);
}
