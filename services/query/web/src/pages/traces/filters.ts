// What the address says of the list of traces.

import { queryOf, type OldTraceSearch } from '../../filter/old';
import { compact, one } from '../../route/search';

export interface TraceSearch {
  /** The query, see filter/parse.ts. */
  q?: string;
  /** Each condition may hold for another span of the trace, rather than all for one. */
  scope?: 'trace';
}

/** What a link may say, of which the query is made. */
export type TraceLink = TraceSearch & OldTraceSearch;

export function traceSearch(search: Record<string, unknown>): TraceSearch {
  return compact({
    q: queryOf(search, 'traces'),
    scope: one(search, 'scope') === 'trace' ? ('trace' as const) : undefined,
  });
}
