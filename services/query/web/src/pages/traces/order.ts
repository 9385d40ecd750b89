// The orders of the list: how they stand in the address, what the server calls them, and what they are by.

import { searchTraces, type Search, type SearchOrder } from '../../api/endpoints';
import type { Page, TraceSummary } from '../../api/model';
import type { Order } from '../../parts/columns';

/** What a column is called by the server where it sorts by it. */
const names = new Map<string, SearchOrder['by']>([
  ['time', 'time'],
  ['duration', 'duration'],
  ['spans', 'span_count'],
  ['errors', 'error_count'],
]);

/** The newest first is what the server does unless it is told otherwise. */
export function searchOrder({ by, descending }: Order): SearchOrder | undefined {
  const name = names.get(by) ?? 'time';
  return name === 'time' && descending ? undefined : { by: name, order: descending ? 'desc' : 'asc' };
}

/**
 * A page of traces. By time, the server goes by the newest matching span of each, which is what pages can be cut by; people
 * read by start, so that is how they stand within a page.
 */
export async function tracePage(search: Search, signal: AbortSignal): Promise<Page<TraceSummary>> {
  const page = await searchTraces(search, signal);
  if (search.order !== undefined && search.order.by !== 'time') return page;
  const sign = search.order?.order === 'asc' ? -1 : 1;
  return { ...page, data: page.data.toSorted((a, b) => sign * (a.start < b.start ? 1 : a.start > b.start ? -1 : 0)) };
}
