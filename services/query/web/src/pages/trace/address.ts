// What the address says of the page of a trace: everything that a link to it must lead back to.

import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { compact, one } from '../../route/search';
import { columnsOf } from '../traces/view';

/** The ways of looking at a trace, in the order of their tabs. */
export const tabs = ['waterfall', 'flame', 'table', 'logs', 'map', 'json', 'compare'] as const;
export type Tab = (typeof tabs)[number];

export interface TraceAddress {
  /** The selected span, see nameOf in selection.ts. */
  span?: string;
  /** The waterfall unless it is given. */
  tab?: Exclude<Tab, 'waterfall'>;
  /** The span whose subtree alone is shown, named likewise. */
  focus?: string;
  /** What is looked for in the spans. */
  find?: string;
  /** The service whose spans stand out. */
  service?: string;
  /** The stretch that the waterfall shows, see viewToText. */
  zoom?: string;
  /** Whether the critical path is left out. */
  path?: 'off';
  /** What the table has a line for: operations unless it is given. */
  rows?: 'spans';
  /** The order of the table's lines. */
  sort?: string;
  /** The trace that it is compared with. */
  with?: string;
  /** It was opened from a list of traces: the order of that. Its query is q and scope, its time range that of the address. */
  list?: string;
  /** The columns that were chosen there: with others it would be another list. */
  column?: string[];
  q?: string;
  scope?: 'trace';
}

export function traceAddress(search: Record<string, unknown>): TraceAddress {
  const tab = tabs.find((t) => t === one(search, 'tab'));
  return compact({
    span: one(search, 'span'),
    tab: tab === 'waterfall' ? undefined : tab,
    focus: one(search, 'focus'),
    find: one(search, 'find'),
    service: one(search, 'service'),
    zoom: one(search, 'zoom'),
    path: one(search, 'path') === 'off' ? ('off' as const) : undefined,
    rows: one(search, 'rows') === 'spans' ? ('spans' as const) : undefined,
    sort: one(search, 'sort'),
    with: one(search, 'with'),
    list: one(search, 'list'),
    column: columnsOf(search),
    q: one(search, 'q'),
    scope: one(search, 'scope') === 'trace' ? ('trace' as const) : undefined,
  });
}

type Change = { [K in keyof TraceAddress]?: TraceAddress[K] | undefined };

/** The address of this page, and how to change a part of it: what is looked at is no step that Back undoes. */
export function useAddress(): { address: TraceAddress; change: (part: Change) => void } {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const address = useMemo(() => traceAddress(search), [search]);
  const navigate = useNavigate();
  const change = useCallback(
    (part: Change) =>
      void navigate({
        to: '.',
        search: (before: Record<string, unknown>) => compact({ ...before, ...part }),
        replace: true,
      }),
    [navigate],
  );
  return { address, change };
}
