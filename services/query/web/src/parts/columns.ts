// Columns of a list as data: what stands over each, how wide it is, what it shows of an item and what it sorts by. A page
// declares its columns as one table; everything about their places (the grid, the head, the cells, the skeleton) is made
// from it, so that a column is added, moved or dropped in one place.

import type { ReactNode } from 'react';

export interface Column<T> {
  /** Unique within a list; in the address where a list sorts. */
  readonly id: string;
  /** What stands over it; may be empty. A list with nothing over any of its columns has no head. */
  readonly header: string;
  /** A track of a CSS grid. Not `auto` nor of contents: every row is a grid of its own, and they must line up. */
  readonly width: string;
  /** The track in a narrow window, where that differs; null leaves the column out there. */
  readonly narrow?: string | null;
  readonly align?: 'end';
  /** Given where people may sort by it. */
  readonly sort?: Sort<T>;
  /** Of its cells. */
  readonly className?: string | undefined;
  readonly cell: (item: T) => ReactNode;
}

export interface Sort<T> {
  /** Ascending; absent where the server sorts. */
  readonly compare?: (a: T, b: T) => number;
  /** Whether its first direction is the only one. */
  readonly fixed?: boolean;
  /** Which end the first click puts on top: names begin with A, figures with the greatest. */
  readonly first: 'ascending' | 'descending';
}

/** The value of `grid-template-columns` for rows of these columns, in a wide window and in a narrow one. */
export function tracks(columns: readonly Pick<Column<never>, 'width' | 'narrow'>[]): { wide: string; narrow: string } {
  return {
    wide: columns.map((column) => column.width).join(' '),
    narrow: columns
      .filter((column) => column.narrow !== null)
      .map((column) => column.narrow ?? column.width)
      .join(' '),
  };
}

export interface Order {
  /** The id of a column. */
  readonly by: string;
  readonly descending: boolean;
}

type Sorting<T> = readonly Pick<Column<T>, 'id' | 'sort'>[];

/** The items in an order. Equal ones stand by the first column that sorts, always ascending. */
export function sortItems<T>(items: readonly T[], columns: Sorting<T>, { by, descending }: Order): T[] {
  const compare = columns.find((column) => column.id === by)?.sort?.compare;
  const tie = columns.find((column) => column.sort !== undefined)?.sort?.compare;
  const sign = descending ? -1 : 1;
  return items.toSorted((a, b) => sign * (compare?.(a, b) ?? 0) || (tie?.(a, b) ?? 0));
}

/** The order after a click on a column's head: its own first, at the second click the other way round. */
export function nextOrder<T>(columns: Sorting<T>, order: Order, by: string): Order {
  const sort = columns.find((column) => column.id === by)?.sort;
  if (order.by === by && sort?.fixed !== true) return { by, descending: !order.descending };
  return { by, descending: sort?.first === 'descending' };
}

/** "-rate" is descending by rate; what cannot be read is by the first column that sorts, the newest first where the server does. */
export function orderFromText<T>(columns: Sorting<T>, text: string | undefined): Order {
  const sorting = columns.filter((column) => column.sort !== undefined);
  const by = sorting.find((column) => column.id === text?.replace(/^-/, ''))?.id;
  const sort = sorting.find((column) => column.id === by)?.sort;
  if (by === undefined) return { by: sorting[0]?.id ?? '', descending: sorting[0]?.sort?.compare === undefined };
  return { by, descending: sort?.fixed === true ? sort.first === 'descending' : (text?.startsWith('-') ?? false) };
}

export const orderToText = (order: Order): string => (order.descending ? `-${order.by}` : order.by);
