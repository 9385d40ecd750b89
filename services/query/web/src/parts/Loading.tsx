import { Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import { tracks, type Column } from './columns';
import classes from './Loading.module.css';

/** The shape of what is to come, while it is asked for. `gap` is in pixels. */
export function Loading({ gap, children }: { gap: number; children: ReactNode }) {
  return (
    <div className={classes.loading} style={{ gap }} role="status" aria-label="Loading">
      {children}
    </div>
  );
}

/** Lines of text, at most `widest` percent of the width and up to `by` percent less. */
export function Lines(props: { count: number; height: number; widest: number; by: number }) {
  const { count, height, widest, by } = props;
  return Array.from({ length: count }, (_, i) => (
    <Skeleton key={i} height={height} width={`${widest - ((i * 31) % by)}%`} />
  ));
}

/** Rows of a list with these columns. */
export function LineGrid({ columns, count, gap }: { columns: readonly Column<never>[]; count: number; gap: number }) {
  const { wide, narrow } = tracks(columns);
  const style = { '--columns': wide, '--columns-narrow': narrow, columnGap: gap } as React.CSSProperties;
  return Array.from({ length: count }, (_, i) => (
    <div key={i} className={classes.row} style={style}>
      {columns.map((column, j) => (
        <div key={column.id} data-wide-only={column.narrow === null || undefined}>
          <Skeleton height={10} width={`${40 + ((i * 37 + j * 53) % 45)}%`} />
        </div>
      ))}
    </div>
  ));
}
