import {
  IconArrowUp,
  IconChevronDown,
  IconChevronRight,
  IconSortAscending,
  IconSortDescending,
} from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  type CSSProperties,
  type KeyboardEvent,
  type PointerEvent,
  type ReactNode,
} from 'react';
import { Boundary } from './Boundary';
import { nextOrder, sortItems, tracks, type Column, type Order } from './columns';
import { controlOf } from './focus';
import { rowByKey } from './keys';
import classes from './List.module.css';
import { ListFoot } from './ListFoot';
import type { Items } from './paged';
import type { More } from './pages';

/** What a line must carry; the element that leads somewhere takes them all. */
export interface LineProps {
  className: string | undefined;
  'data-line': true;
  children: ReactNode;
}

/** How items open below their lines. */
export interface Opening<T> {
  isOpen: (item: T) => boolean;
  toggle: (item: T) => void;
  /** Of the button that opens and closes. */
  label: (item: T, isOpen: boolean) => string;
  detail: (item: T) => ReactNode;
}

interface Listed<T> {
  /** What it is a list of, for those who cannot see it. */
  label: string;
  columns: readonly Column<T>[];
  items: Items<T>;
  itemKey: (item: T) => string;
  /** Pixels of a line. */
  rowHeight: number;
  /** Pixels between columns. */
  gap: number;
  className?: string | undefined;
}

interface Props<T> extends Listed<T> {
  /** Whether it answers another question than the one asked. */
  stale?: boolean;
  /** Given where the list sorts: it is a table then, with columns that have names, unless its lines are links. */
  order?: { is: Order; set: (order: Order) => void } | undefined;
  /** Makes the line of an item a link: `<Link to=… {...line} />`. */
  link?: (item: T, line: LineProps) => ReactNode;
  opening?: Opening<T>;
  /** Given where it is loaded page by page. */
  more?: More & { what: string };
}

const headHeight = 30;
/** Pixels that are filled with rows before the browser has told how tall the list is. */
const firstHeight = 900;

/**
 * A list of items in columns. Only the lines in sight are in the document; a line leads somewhere, or opens below itself.
 * The arrow keys, j and k, Page up and down, Home and End move from line to line.
 */
export function List<T>(props: Props<T>) {
  const { label, columns, items, itemKey, rowHeight, stale = false, order, opening, more } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const by = order?.is;
  const rows = useMemo(
    () => (by === undefined || !sortsHere(columns, by) ? items : sortItems(allOf(items), columns, by)),
    [items, columns, by],
  );
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    // Of pages, an item keeps its place, also while it is not here.
    getItemKey: (i) => (more !== undefined ? i : keyAt(rows, i, itemKey)),
    overscan: 16,
    initialOffset: () => more?.place?.top ?? 0,
    initialRect: { width: 0, height: firstHeight },
    scrollPaddingEnd: headHeight,
  });
  useRowsOfHeight(rowHeight, () => virtual.measure());
  const onKeyDown = useRowKeys(scroller, rows.length, rowHeight, (row) => virtual.scrollToIndex(row));
  const table = order !== undefined && props.link === undefined;
  const places = virtual.getVirtualItems();
  const [first, last] = [places[0]?.index ?? 0, places.at(-1)?.index ?? 0];
  const reading = useReading(scroller, more);
  const see = more?.see;
  useEffect(() => see?.(first, last), [see, first, last, rows.length]);
  return (
    <div ref={scroller} className={classes.scroller} data-list data-stale={stale || undefined} {...reading}>
      {more?.fresh !== undefined && <News {...more.fresh} />}
      <div
        className={`${classes.grid} ${props.className ?? ''}`}
        style={gridStyle(props)}
        data-opening={opening !== undefined || undefined}
        role={table ? 'table' : undefined}
        aria-label={table ? label : undefined}
        aria-rowcount={table ? rows.length + 1 : undefined}
      >
        <Head columns={columns} order={order} table={table} />
        <div
          className={classes.body}
          style={{ height: virtual.getTotalSize() }}
          role={table ? undefined : 'list'}
          aria-label={table ? undefined : label}
          onKeyDown={onKeyDown}
        >
          {places.map((place) => {
            const item = rows.at(place.index);
            if (item === undefined) return <Absent key={place.key} index={place.index} top={place.start} />;
            const isOpen = opening?.isOpen(item) === true;
            return (
              <div
                key={place.key}
                ref={opening === undefined ? undefined : virtual.measureElement}
                data-index={place.index}
                className={classes.item}
                style={{ transform: `translateY(${place.start}px)` }}
                role={table ? 'rowgroup' : 'listitem'}
                aria-setsize={table ? undefined : rows.length}
                aria-posinset={table ? undefined : place.index + 1}
              >
                <Boundary part="This line" line of={item} {...(table ? { place: inRow } : {})}>
                  <Line
                    columns={columns}
                    item={item}
                    table={table}
                    link={props.link}
                    opening={opening}
                    row={table ? place.index + 2 : undefined}
                  />
                </Boundary>
                {isOpen && (
                  <Boundary part="What this line opens" of={item} {...(table ? { place: inRow } : {})}>
                    {opening?.detail(item)}
                  </Boundary>
                )}
              </div>
            );
          })}
        </div>
      </div>
      {more !== undefined && <ListFoot count={rows.length} {...footOf(more)} />}
    </div>
  );
}

/** Has all rows placed anew when they get another height. */
export function useRowsOfHeight(height: number, place: () => void): void {
  const placed = useRef(height);
  useLayoutEffect(() => {
    if (placed.current === height) return;
    placed.current = height;
    place();
  });
}

const footOf = ({ what, hasMore, cut, total, loading, error, retry }: More & { what: string }) => ({
  what,
  hasMore,
  cut,
  total,
  loading,
  error,
  retry,
});

const allOf = <T,>(items: Items<T>): T[] =>
  Array.from({ length: items.length }, (_, i) => items.at(i)).filter((item) => item !== undefined);

const sortsHere = <T,>(columns: readonly Column<T>[], { by }: Order): boolean =>
  columns.some((column) => column.id === by && column.sort?.compare !== undefined);

function keyAt<T>(items: Items<T>, i: number, itemKey: (item: T) => string): string | number {
  const item = items.at(i);
  return item === undefined ? i : itemKey(item);
}

/** The line of an item that is on its way. */
function Absent({ index, top }: { index: number; top: number }) {
  return (
    <div
      data-index={index}
      className={`${classes.item} ${classes.absent}`}
      style={{ transform: `translateY(${top}px)` }}
      role="presentation"
    />
  );
}

/** That there is more than is shown, on top of the list; a click shows it. */
function News({ count, atLeast, show }: NonNullable<More['fresh']>) {
  return (
    <div className={classes.news}>
      <button type="button" onClick={show}>
        {count}
        {atLeast ? '+' : ''} new <IconArrowUp size={13} aria-hidden />
      </button>
    </div>
  );
}

/**
 * Watches whether somebody reads the list: the pointer is over it, the focus in it, or it is scrolled. Begins another list at its top, and
 * one that was left where it was left.
 */
function useReading(scroller: React.RefObject<HTMLDivElement | null>, more: More | undefined) {
  const over = useRef(false);
  const hold = more?.hold;
  const place = more?.place;
  const list = more?.list;
  const told = useCallback(() => {
    // With the focus in a line, keys are for what stands there. A line that is gone has it no more, and says nothing of it.
    const focus = document.activeElement?.closest('[data-line]');
    const focused = focus !== null && focus !== undefined && scroller.current?.contains(focus) === true;
    hold?.(over.current || focused || (scroller.current?.scrollTop ?? 0) > 4);
  }, [hold, scroller]);
  useLayoutEffect(() => {
    if (list !== undefined) scroller.current?.scrollTo({ top: place?.top ?? 0 });
  }, [list, place, scroller]);
  if (more === undefined) return {};
  return {
    onScroll: () => {
      place?.leave(scroller.current?.scrollTop ?? 0);
      told();
    },
    // A finger does not stay where it was: what it taps has a mouse of its own that never leaves.
    onPointerEnter: (event: PointerEvent) => {
      over.current = event.pointerType === 'mouse';
      told();
    },
    onPointerLeave: () => {
      over.current = false;
      told();
    },
    onFocus: told,
    // Where the focus goes is known only after it has left.
    onBlur: () => queueMicrotask(told),
  };
}

/** Lines that stand inside of something else, all of them: of an opened item, or of a panel. They line up by their widths. */
export function Rows<T>(
  props: Omit<Listed<T>, 'rowHeight' | 'items'> & { items: readonly T[]; rowHeight?: number; table?: boolean },
) {
  const { label, columns, items, itemKey, table = false, className } = props;
  return (
    <div
      className={`${classes.grid} ${className ?? ''}`}
      style={gridStyle(props)}
      role={table ? undefined : 'list'}
      aria-label={table ? undefined : label}
    >
      {items.map((item) =>
        table ? (
          <Line key={itemKey(item)} columns={columns} item={item} table />
        ) : (
          <div key={itemKey(item)} role="listitem">
            <Line columns={columns} item={item} table={false} />
          </div>
        ),
      )}
    </div>
  );
}

/** A card within a table, which may hold rows alone. */
const inRow = (card: ReactNode) => (
  <div role="row">
    <div role="cell">{card}</div>
  </div>
);

function gridStyle<T>({ columns, rowHeight, gap }: Partial<Listed<T>> & Pick<Listed<T>, 'columns'>): CSSProperties {
  const { wide, narrow } = tracks(columns);
  return {
    '--columns': wide,
    '--columns-narrow': narrow,
    '--column-gap': `${gap}px`,
    '--row-height': rowHeight === undefined ? 'auto' : `${rowHeight}px`,
  } as CSSProperties;
}

function Head<T>({ columns, order, table }: Pick<Props<T>, 'columns' | 'order'> & { table: boolean }) {
  if (columns.every((column) => column.header === '')) return null;
  if (order === undefined) {
    return (
      <div className={classes.head} data-list-head aria-hidden>
        {columns.map((column) => (
          <span key={column.id} {...place(column)}>
            {column.header}
          </span>
        ))}
      </div>
    );
  }
  const { is, set } = order;
  if (!table) {
    return (
      <div className={classes.head} role="group" aria-label="Sort by" data-list-head data-sorts>
        {columns.map((column) => (
          <span key={column.id} {...place(column)}>
            {column.sort === undefined ? (
              column.header
            ) : (
              <SortButton columns={columns} column={column} is={is} set={set} pressed={is.by === column.id} />
            )}
          </span>
        ))}
      </div>
    );
  }
  return (
    <div className={classes.head} role="row" aria-rowindex={1} data-list-head data-sorts>
      {columns.map((column) => (
        <span
          key={column.id}
          role="columnheader"
          aria-label={column.header === '' ? column.id : undefined}
          aria-sort={
            column.sort === undefined
              ? undefined
              : is.by !== column.id
                ? 'none'
                : is.descending
                  ? 'descending'
                  : 'ascending'
          }
          {...place(column)}
        >
          {column.sort === undefined ? (
            column.header
          ) : (
            <SortButton columns={columns} column={column} is={is} set={set} />
          )}
        </span>
      ))}
    </div>
  );
}

interface SortInput<T> {
  columns: readonly Column<T>[];
  column: Column<T>;
  is: Order;
  set: (order: Order) => void;
  /** Given where nothing else says what is sorted by. */
  pressed?: boolean;
}

function SortButton<T>({ columns, column, is, set, pressed }: SortInput<T>) {
  return (
    <button type="button" aria-pressed={pressed} onClick={() => set(nextOrder(columns, is, column.id))}>
      {column.header}
      {is.by === column.id && (is.descending ? <IconSortDescending size={13} /> : <IconSortAscending size={13} />)}
    </button>
  );
}

interface LineInput<T> extends Pick<Props<T>, 'columns'> {
  item: T;
  table: boolean;
  link?: Props<T>['link'];
  opening?: Opening<T> | undefined;
  /** Counted from 1, the head included. */
  row?: number | undefined;
}

function Line<T>({ columns, item, table, link, opening, row }: LineInput<T>) {
  const cells = columns.map((column, i) => {
    const lead = i === 0 && opening !== undefined;
    return (
      <span
        key={column.id}
        role={table ? 'cell' : undefined}
        className={lead ? classes.lead : column.className}
        {...place(column)}
      >
        {lead ? (
          <>
            <Toggle item={item} opening={opening} />
            <span className={column.className}>{column.cell(item)}</span>
          </>
        ) : (
          column.cell(item)
        )}
      </span>
    );
  });
  if (link !== undefined) return link(item, { className: classes.line, 'data-line': true, children: cells });
  return (
    <div
      className={classes.line}
      data-line
      data-open={opening?.isOpen(item) || undefined}
      role={table ? 'row' : undefined}
      aria-rowindex={row}
      onClick={opening === undefined ? undefined : () => opening.toggle(item)}
    >
      {cells}
    </div>
  );
}

function Toggle<T>({ item, opening }: { item: T; opening: Opening<T> }) {
  const isOpen = opening.isOpen(item);
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <button
      type="button"
      className={classes.toggle}
      aria-expanded={isOpen}
      aria-label={opening.label(item, isOpen)}
      onClick={(event) => {
        event.stopPropagation();
        opening.toggle(item);
      }}
    >
      <Chevron size={13} stroke={2.2} />
    </button>
  );
}

const place = (column: Pick<Column<never>, 'align' | 'narrow'>) => ({
  'data-align': column.align,
  'data-wide-only': column.narrow === null || undefined,
});

/** Moves the focus from line to line by key. A line out of sight is scrolled to first and takes the focus once it is there. */
function useRowKeys(
  scroller: React.RefObject<HTMLDivElement | null>,
  count: number,
  rowHeight: number,
  scrollTo: (row: number) => void,
) {
  const awaited = useRef<number | undefined>(undefined);
  const focusAwaited = () => {
    if (awaited.current === undefined) return;
    const control = controlOf(scroller.current?.querySelector(`[data-index="${awaited.current}"] > [data-line]`));
    if (control === undefined) return;
    awaited.current = undefined;
    control.focus({ preventScroll: true });
  };
  // After every render: the line may have come with any of them.
  useEffect(focusAwaited);
  return (event: KeyboardEvent<HTMLElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.target instanceof Element)) return;
    const at = event.target.closest('[data-line]')?.parentElement?.dataset['index'];
    if (at === undefined) return; // Inside of what an item opened: the keys are its own.
    const page = Math.max(Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2, 1);
    const row = rowByKey(event.key, Number(at), count, page);
    if (row === undefined) return;
    event.preventDefault();
    awaited.current = row;
    scrollTo(row);
    focusAwaited();
  };
}
