// The two questions of the page of a trace: its spans, and the log records that name it.

import { useQuery } from '@tanstack/react-query';
import { ApiError } from '../../api/client';
import { getTrace, getTraceLogs } from '../../api/endpoints';
import type { Answer, LogRecord, Span, Trace } from '../../api/model';
import type { Asked } from '../../parts/answer';
import { useKept } from '../../parts/kept';
import { useRefresh } from '../../parts/refresh';

/** The spans of a trace. A refresh keeps them until the new ones are there. */
export function useTraceSpans(traceId: string): Asked<readonly Span[]> {
  const { tick } = useRefresh();
  const query = useQuery({
    queryKey: ['trace', traceId, tick],
    queryFn: ({ signal }) => getTrace(traceId, signal),
    placeholderData: (previous, previousQuery) => (previousQuery?.queryKey[1] === traceId ? previous : undefined),
    staleTime: Infinity,
    // A link may be quicker than the spans it leads to.
    retry: (failures, error) => error instanceof ApiError && (error.transient || error.status === 404) && failures < 2,
    retryDelay: 1_000,
  });
  const kept = useKept(query.data, traceId, traceOf);
  return {
    data: kept?.data.spans,
    answer: kept,
    error: query.error,
    retry: () => void query.refetch(),
  };
}

const traceOf = ({ data }: Answer<Trace>) => data.traceId;

export interface TraceLogs extends Asked<readonly LogRecord[]> {
  /** Whether the trace has more of them than one page holds. */
  hasMore: boolean;
}

/** The log records of a trace, newest first: one page, which is a thousand. */
export function useTraceLogs(traceId: string): TraceLogs {
  const { tick } = useRefresh();
  const query = useQuery({
    queryKey: ['trace-logs', traceId, tick],
    queryFn: ({ signal }) => getTraceLogs(traceId, undefined, signal),
    placeholderData: (previous, previousQuery) => (previousQuery?.queryKey[1] === traceId ? previous : undefined),
    staleTime: Infinity,
  });
  return {
    data: query.data?.data,
    answer: query.data,
    error: query.error,
    hasMore: query.data?.next !== undefined,
    retry: () => void query.refetch(),
  };
}
