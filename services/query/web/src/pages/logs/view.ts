// How the page of logs shows what it finds: its part of the address beside the query.

import type { LogRecord } from '../../api/model';
import { compact, many, one } from '../../route/search';

/** The list, records as they arrive, or what they have in common; the list where none is given. */
export const views = ['live', 'patterns'] as const;
export type View = (typeof views)[number];

export interface LogView {
  view?: View;
  /** Fields that have a column each, in their order; [noColumns] for none. */
  column?: string[];
  /** Bodies take as many lines as they need. */
  wrap?: 'on';
  /** The oldest come first; the newest do unless it is given. */
  order?: 'oldest';
  /** A record that is open, see recordToText. */
  record?: string;
}

export type LogViewChange = { [K in keyof LogView]?: LogView[K] | undefined };

/** What has a column unless somebody chooses. */
export const defaultColumns: readonly string[] = ['severity', 'service'];

/** Stands in the address where no column is chosen, which is not the same as nothing chosen. */
const noColumns = '-';

/** More do not fit beside a body. */
export const mostColumns = 12;

export function logView(search: Record<string, unknown>): LogView {
  const record = recordFromText(one(search, 'record'));
  return compact({
    view: views.find((view) => view === one(search, 'view')),
    column: many(search, 'column').slice(0, mostColumns),
    wrap: one(search, 'wrap') === 'on' ? ('on' as const) : undefined,
    order: one(search, 'order') === 'oldest' ? ('oldest' as const) : undefined,
    record: record === undefined ? undefined : recordToText(record),
  });
}

export function columnsOf({ column }: LogView): readonly string[] {
  if (column === undefined) return defaultColumns;
  return [...new Set(column)].filter((field) => field !== noColumns);
}

/** As the address has it: nothing for what is shown anyway. */
export function columnsToSearch(columns: readonly string[]): string[] | undefined {
  if (columns.length === 0) return [noColumns];
  return columns.join('\n') === defaultColumns.join('\n') ? undefined : [...columns];
}

/** A record by its id, with its time, by which it is found at once. */
export type RecordName = Pick<LogRecord, 'id' | 'time'>;

export const recordToText = ({ id, time }: RecordName): string => `${id}:${time}`;

export function recordFromText(text: string | undefined): RecordName | undefined {
  const [, id, time] = /^(\d{1,19}\.\d{1,19}):(\d{1,19})$/.exec(text ?? '') ?? [];
  return id === undefined || time === undefined ? undefined : { id, time: BigInt(time) };
}
