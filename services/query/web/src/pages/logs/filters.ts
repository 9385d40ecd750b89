// What the address says of the list of log records.

import { queryOf, type OldLogSearch } from '../../filter/old';
import { compact } from '../../route/search';
import { logView, type LogView } from './view';

export interface LogSearch extends LogView {
  /** The query, see filter/parse.ts. */
  q?: string;
}

/** What a link may say, of which the query is made. */
export type LogLink = LogSearch & OldLogSearch;

export const logSearch = (search: Record<string, unknown>): LogSearch =>
  compact({ q: queryOf(search, 'logs'), ...logView(search) });
